from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("backstay_outbox", "0002_schedule"),
    ]

    operations = [
        migrations.AddField(
            model_name="queuedjob",
            name="traceparent",
            field=models.CharField(blank=True, max_length=55),
        ),
    ]
