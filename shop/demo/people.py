"""
The demo's accounts: staff, three organizations of two, fifty customers.

All have the password ``backstay-demo``, hashed once. Its salt is fixed, so that
the rows are the same everywhere; the password is public anyway.
"""

from datetime import UTC, datetime, timedelta

from django.contrib.auth.hashers import make_password

from shop.accounts.models import Membership, Organization, Team, User
from shop.demo.words import STREETS, TOWNS, chooser
from shop.orders.models import Address, Customer

PASSWORD = "backstay-demo"  # noqa: S105  # Public by design.
SALT = "demonstrationdatasaltsalt"
OPENED = datetime(2024, 1, 1, tzinfo=UTC)

STAFF = "staff@shop.example"
OWNERS = [f"owner@{plan}.example" for plan in Organization.Plan]
SELLERS = [f"{role}@{plan}.example" for plan in Organization.Plan for role in ("owner", "member")]
CUSTOMERS = [f"customer{number}@shop.example" for number in range(1, 51)]

#: Those who order, in the order in which their rows are made.
BUYERS = [*SELLERS, *CUSTOMERS]


def create_people(seed: int) -> None:
    users = _create_users()
    _create_organizations(users)
    Customer.objects.bulk_create(Customer(user=user) for user in users.values())
    _create_addresses(users, seed)


def _create_users() -> dict[str, User]:
    password = make_password(PASSWORD, salt=SALT)
    names = {STAFF: ("Shop", "Staff")}
    for email in SELLERS:
        role, domain = email.split("@")
        names[email] = (domain.split(".")[0].title(), role.title())
    for number, email in enumerate(CUSTOMERS, start=1):
        names[email] = ("Customer", str(number))
    users = User.objects.bulk_create(
        User(
            email=email,
            password=password,
            first_name=first_name,
            last_name=last_name,
            is_staff=email == STAFF,
            is_superuser=email == STAFF,
            created_at=OPENED + timedelta(minutes=minute),
        )
        for minute, (email, (first_name, last_name)) in enumerate(names.items())
    )
    return {user.email: user for user in users}


def _create_organizations(users: dict[str, User]) -> None:
    for plan in Organization.Plan:
        organization = Organization.objects.create(
            name=f"{plan.label} Goods", plan=plan, created_at=OPENED
        )
        team = Team.objects.create(organization=organization, name="Sales")
        for role in (Membership.Role.OWNER, Membership.Role.MEMBER):
            Membership.objects.create(
                user=users[f"{role}@{plan}.example"],
                organization=organization,
                role=role,
                team=team,
                created_at=OPENED,
            )


def _create_addresses(users: dict[str, User], seed: int) -> None:
    choose = chooser(seed, "addresses")
    addresses = []
    for email in BUYERS:
        for _ in range(choose((1, 1, 2))):
            city, country = choose(TOWNS)
            addresses.append(
                Address(
                    user=users[email],
                    line1=f"{choose(range(1, 100))} {choose(STREETS)}",
                    city=city,
                    postcode=f"{choose(range(10_000, 100_000))}",
                    country=country,
                    created_at=OPENED,
                )
            )
    Address.objects.bulk_create(addresses)
