"""Who may do what to orders and addresses."""

from backstay.permissions import IsOwner, IsStaff, WithinWindow

#: An order is its customer's; staff see and ship everyone's.
ORDERS = IsOwner("customer.user") | IsStaff()

#: What staff may not do for a customer: pay, cancel, delete.
OWN_ORDER = IsOwner("customer.user")

DELETE_WINDOW = WithinWindow(hours=24, methods=("DELETE",), code="delete_window_closed")

ADDRESSES = IsOwner("user")

#: An order may be shipped to the caller's own address, by staff to any customer's.
SHIPPING_ADDRESSES = ADDRESSES | IsStaff()
