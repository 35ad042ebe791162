"""Why something about an organization is refused, one class for each decision of a client."""

from backstay.errors import Conflict, Problem


class PlanRequired(Problem):
    """The organization's plan does not include this; an owner can change the plan."""

    status_code = 403
    code = "plan_required"


class LastOwner(Conflict):
    """Nobody else would be left to own the organization: make another member owner first."""

    default_detail = "An organization keeps an owner. Make another member owner first."


class AlreadyMember(Conflict):
    """A user is in one organization at most, and in it once."""


class MembershipEnded(Conflict):
    """The member was removed, or left, while the request was on its way."""

    default_detail = "This membership has ended."


class InvitationNotFound(Problem):
    """
    No open invitation of the caller has this token.

    One answer for a token that is unknown, used, replaced, withdrawn, expired or somebody
    else's, so that it tells nothing about any of them.
    """

    status_code = 404
    code = "not_found"
    default_detail = (
        "There is no such invitation to your address. It may have expired, been used or been "
        "withdrawn; ask for a new one."
    )
