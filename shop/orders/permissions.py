"""Who may do what to orders and addresses."""

from backstay.permissions import HasOrganizationPermission, IsOwner, IsStaff, WithinWindow

#: An order is its customer's; staff see and ship everyone's.
ORDERS = IsOwner("customer.user") | IsStaff()

#: What staff may not do for a customer: pay, cancel, delete.
OWN_ORDER = IsOwner("customer.user")

DELETE_WINDOW = WithinWindow(hours=24, methods=("DELETE",), code="delete_window_closed")

#: An organization on pro or higher exports what its members ordered, staff everything.
EXPORT = IsStaff() | HasOrganizationPermission(
    required_plan="pro", organization="customer.user.membership.organization"
)

ADDRESSES = IsOwner("user")

#: An order may be shipped to the caller's own address, by staff to any customer's.
SHIPPING_ADDRESSES = ADDRESSES | IsStaff()
