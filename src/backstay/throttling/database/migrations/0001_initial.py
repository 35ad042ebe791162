from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="BucketRow",
            fields=[
                ("key", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("state", models.BinaryField()),
                ("expires_at_seconds", models.BigIntegerField(db_index=True)),
            ],
            options={"db_table": "backstay_throttling_bucket"},
        ),
    ]
