"""Inviting by e-mail, and accepting."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from backstay.outbox.models import QueuedJob
from shop.accounts.invitations import invite
from shop.accounts.models import Invitation, Membership
from shop.accounts.tasks import send_invitation_mail
from tests.shop.factories import MembershipFactory, UserFactory
from tests.shop.problems import assert_problem

MISSING = 10**9
FIELDS = {"id", "email", "role", "invited_by", "created_at", "expires_at"}


@pytest.fixture
def url(api, organization):
    return f"{api}/organizations/{organization.pk}/invitations/"


@pytest.fixture
def accept(api):
    return lambda client, token: client.post(f"{api}/invitations/accept/", {"token": token})


class TestInvite:
    def test_an_owner_invites(self, as_owner, owner, url):
        response = as_owner.post(url, {"email": " New@Shop.Example", "role": "manager"})

        assert response.status_code == 201
        body = response.json()
        assert body.keys() == FIELDS
        assert (body["email"], body["role"]) == ("new@shop.example", "manager")
        assert body["invited_by"]["id"] == owner.pk
        assert response["Location"] == f"{url}{body['id']}/"
        assert as_owner.get(response["Location"]).json() == body

    def test_the_role_is_member_unless_said(self, as_owner, url):
        assert as_owner.post(url, {"email": "new@shop.example"}).json()["role"] == "member"

    def test_the_mail_is_queued_by_id_alone(self, as_owner, url):
        as_owner.post(url, {"email": "new@shop.example"})

        job = QueuedJob.objects.get(name="accounts.invitation_mail")
        assert json.loads(job.payload) == {"invitation_id": Invitation.objects.get().pk}

    @pytest.mark.A5
    def test_the_answer_is_the_same_whether_the_address_has_an_account(
        self, as_owner, url, customer, other_owner
    ):
        def answer(email):
            response = as_owner.post(url, {"email": email})
            body = response.json()
            constant = {
                name: body[name] for name in FIELDS - {"id", "email", "created_at", "expires_at"}
            }
            return response.status_code, constant, body["email"] == email

        answers = [answer(e) for e in ("new@shop.example", customer.email, other_owner.email)]
        assert answers[0] == answers[1] == answers[2]

    def test_who_is_a_member_already_is_409(self, as_owner, member, url):
        assert_problem(as_owner.post(url, {"email": member.email.upper()}), 409, "conflict")
        assert not Invitation.objects.exists()

    def test_inviting_again_replaces(self, as_owner, url, invited, accept, as_other_customer):
        old = invited.token()

        again = as_owner.post(url, {"email": invited.email, "role": "member"})

        assert again.status_code == 201
        assert again.json()["id"] != invited.pk
        assert_problem(accept(as_other_customer, old), 404, "not_found")
        assert accept(as_other_customer, Invitation.objects.get().token()).status_code == 200

    @pytest.mark.P3
    @pytest.mark.parametrize("actor", ["member", "manager", "staff"])
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_others_are_403_whatever_they_send(self, client_of, actor, method, url, invited):
        for body in ({"email": "new@shop.example"}, {}):
            response = getattr(client_of(actor), method)(url, body)
            assert_problem(response, 403, "permission_denied")
        assert Invitation.objects.get() == invited

    @pytest.mark.A1
    def test_anonymous_is_401(self, anonymous, url):
        assert_problem(anonymous.post(url, {}), 401, "not_authenticated")

    @pytest.mark.P1
    @pytest.mark.parametrize("actor", ["customer", "other_owner"])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_a_foreign_organization_is_like_a_missing_one(
        self, client_of, actor, method, url, api, assert_foreign_is_missing
    ):
        missing = f"{api}/organizations/{MISSING}/invitations/"
        body = {"email": "new@shop.example"}
        assert_foreign_is_missing(client_of(actor), method, url, missing, body)
        assert not Invitation.objects.exists()

    @pytest.mark.parametrize(
        ("body", "pointer", "code"),
        [
            ({}, "/email", "required"),
            ({"email": "nobody"}, "/email", "invalid"),
            ({"email": f"{'x' * 250}@shop.example"}, "/email", "max_length"),
            ({"email": "new@shop.example", "role": "staff"}, "/role", "invalid_choice"),
        ],
    )
    def test_a_bad_value_is_400(self, as_owner, url, body, pointer, code):
        found = assert_problem(as_owner.post(url, body), 400, "validation_error")
        assert (pointer, code) in {(e["pointer"], e["code"]) for e in found["errors"]}


class TestListInvitations:
    @pytest.mark.P2
    def test_an_owner_sees_them_and_no_token(self, as_owner, url, invited):
        response = as_owner.get(url)

        (row,) = response.json()["results"]
        assert row.keys() == FIELDS
        for secret in (invited.token(), invited.token_hash, str(invited.token_seed)):
            assert secret not in response.content.decode()

    @pytest.mark.L1
    def test_the_queries_do_not_grow_with_the_rows(
        self, as_owner, owner, organization, url, django_assert_num_queries
    ):
        for number in range(2):
            for index in range(3):
                email = f"n{number}-{index}@shop.example"
                invite(organization=organization, email=email, role="member", invited_by=owner)
            with django_assert_num_queries(2):
                as_owner.get(url)


class TestWithdrawInvitation:
    def test_an_owner_withdraws_and_the_token_is_void(
        self, as_owner, url, invited, accept, as_other_customer
    ):
        assert as_owner.delete(f"{url}{invited.pk}/").status_code == 204
        assert_problem(accept(as_other_customer, invited.token()), 404, "not_found")

    @pytest.mark.P3
    @pytest.mark.parametrize("actor", ["member", "manager", "staff"])
    def test_others_are_403(self, client_of, actor, url, invited):
        response = client_of(actor).delete(f"{url}{invited.pk}/")
        assert_problem(response, 403, "permission_denied")

    @pytest.mark.P1
    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_a_foreign_one_is_like_a_missing_one(
        self, as_other_owner, other_owner, api, method, url, invited, assert_foreign_is_missing
    ):
        own = f"{api}/organizations/{other_owner.organization.pk}/invitations/"
        for path in (f"{url}{invited.pk}/", f"{own}{invited.pk}/"):
            assert_foreign_is_missing(as_other_owner, method, path, f"{own}{MISSING}/")
        assert Invitation.objects.filter(pk=invited.pk).exists()

    def test_it_cannot_be_changed(self, as_owner, url, invited):
        for method in (as_owner.patch, as_owner.put):
            response = method(f"{url}{invited.pk}/", {"role": "owner"})
            assert_problem(response, 405, "method_not_allowed")


class TestAcceptInvitation:
    @pytest.mark.A1
    def test_anonymous_is_401(self, anonymous, invited, accept):
        assert_problem(accept(anonymous, invited.token()), 401, "not_authenticated")

    def test_the_invited_user_joins_in_the_role(
        self, as_other_customer, other_customer, invited, organization, accept, api
    ):
        response = accept(as_other_customer, f" {invited.token()}\n")

        assert response.status_code == 200
        body = response.json()
        assert body.keys() == {"id", "user", "role", "team", "created_at", "organization"}
        assert (body["role"], body["user"]["id"]) == ("manager", other_customer.pk)
        assert body["organization"] == {"id": organization.pk, "name": "Seller", "plan": "pro"}
        assert as_other_customer.get(f"{api}/users/me/").json()["role"] == "manager"

    @pytest.mark.P3
    def test_who_opens_the_account_later_joins(
        self, as_owner, url, anonymous, signed_in, accept, api
    ):
        as_owner.post(url, {"email": "later@shop.example"})
        user = UserFactory.create(email="Later@shop.example")
        assert accept(signed_in(user), Invitation.objects.get().token()).status_code == 200

    @pytest.mark.P1
    def test_whatever_is_wrong_with_a_token_the_answer_is_the_same(
        self, as_other_customer, as_customer, customer, organization, owner, invited, api
    ):
        def answer(client, token):
            response = client.post(
                f"{api}/invitations/accept/", {"token": token}, HTTP_X_REQUEST_ID="one"
            )
            assert_problem(response, 404, "not_found")
            return response.content

        def of(email):
            return invite(organization=organization, email=email, role="member", invited_by=owner)

        expired, withdrawn = of(customer.email), of("withdrawn@shop.example")
        Invitation.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
        withdrawn.delete()
        answers = {
            "unknown": answer(as_customer, "x" * 43),
            "another's": answer(as_customer, invited.token()),
            "expired": answer(as_customer, expired.token()),
            "withdrawn": answer(as_customer, withdrawn.token()),
            "the hash": answer(as_other_customer, invited.token_hash),
        }
        assert len(set(answers.values())) == 1
        assert not Membership.objects.filter(user=customer).exists()

    @pytest.mark.P3
    def test_it_is_good_once(self, as_other_customer, invited, accept, url):
        token = invited.token()
        accept(as_other_customer, token)
        assert_problem(accept(as_other_customer, token), 404, "not_found")

        Membership.objects.filter(user__email=invited.email).delete()
        assert_problem(accept(as_other_customer, token), 404, "not_found")

    @pytest.mark.parametrize(("seconds", "status"), [(-1, 200), (0, 404)])
    def test_it_is_good_for_seven_days(
        self, signed_in, customer, organization, owner, accept, seconds, status
    ):
        invited_at = timezone.now()
        with time_machine.travel(invited_at, tick=False):
            token = invite(
                organization=organization, email=customer.email, invited_by=owner
            ).token()
        with time_machine.travel(invited_at + timedelta(days=7, seconds=seconds), tick=False):
            assert accept(signed_in(customer), token).status_code == status

    @pytest.mark.P3
    def test_a_member_of_an_organization_is_409_and_the_token_stays_good(
        self, as_other_customer, other_customer, invited, accept
    ):
        elsewhere = MembershipFactory.create(user=other_customer)
        assert_problem(accept(as_other_customer, invited.token()), 409, "conflict")

        elsewhere.delete()
        assert accept(as_other_customer, invited.token()).status_code == 200

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "required"),
            ({"token": ""}, "blank"),
            ({"token": 7}, "invalid_type"),
            ({"token": "x" * 101}, "max_length"),
        ],
    )
    def test_what_cannot_be_a_token_is_400(self, as_customer, api, body, code):
        response = as_customer.post(f"{api}/invitations/accept/", body)
        assert_problem(response, 400, "validation_error", [("/token", code)])


class TestToken:
    def test_the_database_holds_a_hash_of_it_only(self, invited):
        row = Invitation.objects.filter(pk=invited.pk).values().get()
        assert invited.token() not in str(row)
        assert len(invited.token()) == 43

    def test_it_takes_the_secret_key_to_make_it(self, invited, settings):
        token = invited.token()
        settings.SECRET_KEY = "another key, as long as the one before and then some more"
        assert invited.token() != token

    def test_no_two_are_the_same(self, organization, owner):
        made = {
            invite(
                organization=organization, email="x@x.example", role="member", invited_by=owner
            ).token()
            for _ in range(3)
        }
        assert len(made) == 3


class TestInvitationMail:
    def test_it_carries_the_token_to_the_address(self, invited, mailoutbox):
        send_invitation_mail(invitation_id=invited.pk)

        (mail,) = mailoutbox
        assert mail.to == [invited.email]
        assert invited.token() in mail.body
        assert '"Seller"' in mail.body

    def test_a_name_cannot_pass_for_more_of_the_mail(self, invited, organization, mailoutbox):
        organization.name = "Seller\n\nYou have won."
        organization.save()
        send_invitation_mail(invitation_id=invited.pk)
        assert '"Seller You have won."' in mailoutbox[0].body

    def test_none_is_sent_for_what_is_withdrawn_or_expired(self, invited, mailoutbox):
        with time_machine.travel(invited.expires_at, tick=False):
            send_invitation_mail(invitation_id=invited.pk)
        key = invited.pk
        invited.delete()
        send_invitation_mail(invitation_id=key)
        assert mailoutbox == []


def test_the_list_holds_what_is_open(as_owner, url):
    for email in ("open@shop.example", "expired@shop.example"):
        assert as_owner.post(url, {"email": email, "role": "member"}).status_code == 201
    Invitation.objects.filter(email="expired@shop.example").update(expires_at=timezone.now())
    listed = as_owner.get(url).json()["results"]
    assert [row["email"] for row in listed] == ["open@shop.example"]
