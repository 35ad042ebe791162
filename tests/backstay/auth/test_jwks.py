"""The published keys: what others verify with, and never what signs."""

import json
from datetime import UTC, datetime
from itertools import combinations

import jwt
import pytest
from django.urls import path

from backstay.auth import issue_tokens, key_files
from backstay.auth.keys import ALGORITHMS
from backstay.auth.views import jwks as jwks_view
from tests.backstay.auth.jwks import NOW, jwks
from tests.backstay.auth.urls import urlpatterns as token_urls

pytestmark = [pytest.mark.A8, pytest.mark.once]

urlpatterns = [*token_urls, path(".well-known/jwks.json", jwks_view)]

PATH = "/.well-known/jwks.json"
MADE = {algorithm: key_files.generate(algorithm) for algorithm in ALGORITHMS}
MEMBERS = {
    "RS256": {"kty", "n", "e", "kid", "alg", "use"},
    "ES256": {"kty", "crv", "x", "y", "kid", "alg", "use"},
    "EdDSA": {"kty", "crv", "x", "kid", "alg", "use"},
}
MIXES = [mix for size in range(1, 5) for mix in combinations(ALGORITHMS, size)]

each_mix = pytest.mark.parametrize("mix", MIXES, ids="+".join)


@pytest.fixture(autouse=True)
def _own_urls(project, settings):
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def use(settings, tmp_path):
    """Put these keys in force."""

    def put(*keys):
        (tmp_path / "keys.json").write_text(jwks(*keys))
        settings.BACKSTAY = {**settings.BACKSTAY, "AUTH_KEYS": str(tmp_path / "keys.json")}

    return put


def secrets_of(jwk):
    return [jwk[name] for name in ("k", "d", "p", "q", "dp", "dq", "qi") if name in jwk]


class TestContent:
    @pytest.mark.parametrize("fallbacks", [[], ["another" * 10]])
    def test_a_secret_is_not_published(self, api, settings, fallbacks):
        settings.SECRET_KEY_FALLBACKS = fallbacks

        assert api.get(PATH).json() == {"keys": []}

    @each_mix
    def test_shows_the_public_members_of_each_asymmetric_key_and_no_other(self, api, use, mix):
        keys = [MADE[algorithm] for algorithm in mix]
        use(*keys)
        response = api.get(PATH)

        shown = {jwk["alg"]: jwk for jwk in response.json()["keys"]}
        assert len(response.json()["keys"]) == len(shown)
        assert shown.keys() == set(mix) - {"HS256"}
        for algorithm, jwk in shown.items():
            assert jwk.keys() == MEMBERS[algorithm]
            assert jwk.items() <= MADE[algorithm].items()
        assert response.json().keys() == {"keys"}
        for secret in (secret for key in keys for secret in secrets_of(key)):
            assert secret not in response.content.decode()

    @each_mix
    def test_a_rotation_adds_the_new_key_and_keeps_the_old_ones(self, api, use, mix):
        new = key_files.generate("EdDSA")
        use(*key_files.rotated([MADE[algorithm] for algorithm in mix], new, now=NOW))
        shown = [jwk["kid"] for jwk in api.get(PATH).json()["keys"]]

        assert shown == [new["kid"], *(MADE[name]["kid"] for name in mix if name != "HS256")]
        assert "retired_at" not in api.get(PATH).content.decode()

    def test_a_member_that_nobody_thought_of_is_not_published(self, api, use):
        use({**MADE["EdDSA"], "comment": "hunter2", "x5c": ["MIIB"], "key_ops": ["sign"]})
        (jwk,) = api.get(PATH).json()["keys"]

        assert jwk.keys() == MEMBERS["EdDSA"]

    def test_a_removed_key_is_gone_at_once(self, api, use):
        use(MADE["EdDSA"], MADE["ES256"])
        api.get(PATH)
        use(MADE["ES256"])

        assert [jwk["kid"] for jwk in api.get(PATH).json()["keys"]] == [MADE["ES256"]["kid"]]


@pytest.mark.django_db
class TestAnotherService:
    """A verifier that knows the address of the keys and nothing else of ours."""

    @pytest.mark.parametrize("algorithm", MEMBERS)
    def test_verifies_a_token_with_what_is_published(self, api, user, clock, use, algorithm):
        use(MADE[algorithm], MADE["HS256"])
        token = issue_tokens(user)["access"]
        published = jwt.PyJWKSet.from_json(api.get(PATH).content.decode())
        key = published[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(
            token, key, algorithms=[algorithm], audience="backstay", issuer="backstay"
        )

        assert claims["user_id"] == user.pk
        assert datetime.fromtimestamp(claims["iat"], tz=UTC).timestamp() == NOW

    @pytest.mark.parametrize("algorithm", MEMBERS)
    def test_verifies_after_a_rotation_what_was_signed_before(
        self, api, user, clock, use, algorithm
    ):
        use(MADE[algorithm])
        token = issue_tokens(user)["access"]
        use(*key_files.rotated([MADE[algorithm]], key_files.generate("ES256"), now=NOW))
        published = jwt.PyJWKSet.from_dict(api.get(PATH).json())
        key = published[jwt.get_unverified_header(token)["kid"]]

        assert jwt.decode(token, key, algorithms=[algorithm], audience="backstay")

    @pytest.mark.parametrize("algorithm", MEMBERS)
    def test_notices_a_token_of_another(self, api, user, clock, use, algorithm):
        use({**key_files.generate(algorithm), "kid": "one"})
        token = issue_tokens(user)["access"]
        use({**MADE[algorithm], "kid": "one"})
        published = jwt.PyJWKSet.from_dict(api.get(PATH).json())

        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(token, published["one"], algorithms=[algorithm], audience="backstay")


class TestAnswer:
    def test_has_its_own_media_type_and_may_be_cached(self, api, use):
        use(MADE["EdDSA"])
        response = api.get(PATH)

        assert response["Content-Type"] == "application/jwk-set+json"
        assert set(response["Cache-Control"].split(", ")) == {"public", "max-age=300"}
        assert "Set-Cookie" not in response
        assert "Cookie" not in response.get("Vary", "")
        assert "Authorization" not in response.get("Vary", "")

    @pytest.mark.parametrize("token", ["garbage", "a.b.c"])
    def test_is_the_same_for_everybody(self, api, use, token):
        """A cache keeps it, so no credential may change it."""
        use(MADE["EdDSA"])
        response = api.get(PATH, headers={"Authorization": f"Bearer {token}"})

        assert (response.status_code, response.content) == (200, api.get(PATH).content)

    def test_head_is_get_without_a_body(self, api, use):
        use(MADE["EdDSA"])
        got, head = api.get(PATH), api.head(PATH)

        assert (head.status_code, head.content) == (200, b"")
        assert head["Content-Type"] == got["Content-Type"]
        assert head["Cache-Control"] == got["Cache-Control"]

    @pytest.mark.E2
    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
    def test_another_method_is_405_in_the_one_shape(self, api, method):
        response = getattr(api, method)(PATH)
        body = json.loads(response.content)

        assert response.status_code == 405
        assert response["Content-Type"] == "application/problem+json"
        assert set(response["Allow"].split(", ")) == {"GET", "HEAD"}
        assert (body["code"], body["status"]) == ("method_not_allowed", 405)
        assert body["request_id"] == response["X-Request-ID"]
