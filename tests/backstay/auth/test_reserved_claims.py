"""What a token says of itself is ours to say, whatever ``TOKEN_CLAIMS`` says."""

import pytest
from django.test import override_settings

from backstay.auth.errors import TokenInvalid
from backstay.auth.issuing import issue_tokens
from backstay.auth.tokens import codec

pytestmark = [pytest.mark.A2, pytest.mark.django_db]


def greedy_claims(_):
    return {
        "token_type": "access",
        "jti": "mine",
        "user_id": 1_000_000,
        "family": "mine",
        "iss": "mine",
        "aud": "mine",
        "iat": 1,
        "exp": 253_402_300_799,
        "email": "ada@example.com",
    }


@pytest.fixture
def pair(user):
    with override_settings(BACKSTAY={"TOKEN_CLAIMS": greedy_claims}):
        yield issue_tokens(user)


def test_a_refresh_token_stays_one(pair):
    with pytest.raises(TokenInvalid):
        codec().decode(pair["refresh"], "access")


@pytest.mark.parametrize("token_type", ["access", "refresh"])
def test_no_reserved_claim_is_replaced(pair, user, token_type):
    claims = codec().decode(pair[token_type], token_type)
    taken = {name for name, value in greedy_claims(user).items() if claims[name] == value}
    assert taken == ({"email", "token_type"} if token_type == "access" else {"email"})
    assert claims["user_id"] == user.pk
