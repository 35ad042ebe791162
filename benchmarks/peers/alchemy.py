"""FastAPI over SQLAlchemy's ORM, asynchronous, on asyncpg's pool and prepared statements."""

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import AliasPath, BaseModel, ConfigDict, Field
from sqlalchemy import BigInteger, DateTime, ForeignKey, Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    joinedload,
    load_only,
    mapped_column,
    query_expression,
    relationship,
    selectinload,
    with_expression,
)

from benchmarks.peers import SIZE, keyset

# --- the tables, as far as they are read


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), int: BigInteger}

    id: Mapped[int] = mapped_column(primary_key=True)


class User(Base):
    __tablename__ = "accounts_user"
    email: Mapped[str]
    full_name: Mapped[str]


class Customer(Base):
    __tablename__ = "orders_customer"
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    user: Mapped[User] = relationship()


class Address(Base):
    __tablename__ = "orders_address"
    line1: Mapped[str]
    line2: Mapped[str]
    city: Mapped[str]
    postcode: Mapped[str]
    country: Mapped[str]


class Product(Base):
    __tablename__ = "catalog_product"
    sku: Mapped[str]
    name: Mapped[str]
    price: Mapped[Decimal]


class OrderItem(Base):
    __tablename__ = "orders_orderitem"
    order_id: Mapped[int] = mapped_column(ForeignKey("orders_order.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey(Product.id))
    quantity: Mapped[int]
    unit_price: Mapped[Decimal]
    product: Mapped[Product] = relationship()


class Payment(Base):
    __tablename__ = "orders_payment"
    order_id: Mapped[int] = mapped_column(ForeignKey("orders_order.id"))
    amount: Mapped[Decimal]
    method: Mapped[str]
    status: Mapped[str]
    paid_at: Mapped[datetime | None]


class Order(Base):
    __tablename__ = "orders_order"
    customer_id: Mapped[int] = mapped_column(ForeignKey(Customer.id))
    shipping_address_id: Mapped[int] = mapped_column(ForeignKey(Address.id))
    status: Mapped[str]
    total_amount: Mapped[Decimal]
    currency: Mapped[str]
    note: Mapped[str]
    created_at: Mapped[datetime]
    customer: Mapped[Customer] = relationship()
    shipping_address: Mapped[Address] = relationship()
    items: Mapped[list[OrderItem]] = relationship(order_by=OrderItem.id)
    payments: Mapped[list[Payment]] = relationship(order_by=Payment.id)
    item_count: Mapped[int] = query_expression()

    @property
    def total(self) -> "Order":
        return self


# --- the answers


class Body(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class CustomerBrief(Body):
    id: int
    name: str = Field(validation_alias=AliasPath("user", "full_name"))
    email: str = Field(validation_alias=AliasPath("user", "email"))


class AddressDetail(Body):
    id: int
    line1: str
    line2: str
    city: str
    postcode: str
    country: str


class ProductBrief(Body):
    id: int
    sku: str
    name: str
    price: Decimal


class ItemDetail(Body):
    id: int
    quantity: int
    unit_price: Decimal
    product: ProductBrief


class PaymentDetail(Body):
    id: int
    amount: Decimal
    method: str
    status: str
    paid_at: datetime | None


class Total(Body):
    amount: Decimal = Field(validation_alias="total_amount")
    currency: str


class OrderList(Body):
    id: int
    status: str
    total: Total
    created_at: datetime
    customer: CustomerBrief
    item_count: int


class OrderDetail(OrderList):
    note: str
    items: list[ItemDetail]
    payments: list[PaymentDetail]
    shipping_address: AddressDetail


class ListPage(Body):
    next: str | None
    previous: str | None
    results: list[OrderList]


class DetailPage(ListPage):
    results: list[OrderDetail]  # type: ignore[assignment]  # Of the same page with more in it.


# --- the statements

COUNT = (
    select(func.count()).where(OrderItem.order_id == Order.id).correlate(Order).scalar_subquery()
)
CUSTOMER = joinedload(Order.customer, innerjoin=True).joinedload(Customer.user, innerjoin=True)
BRIEF = select(Order).options(
    load_only(Order.status, Order.total_amount, Order.currency, Order.created_at),
    CUSTOMER,
    with_expression(Order.item_count, COUNT),
)
DETAIL = select(Order).options(
    CUSTOMER,
    joinedload(Order.shipping_address, innerjoin=True),
    selectinload(Order.items).joinedload(OrderItem.product, innerjoin=True),
    selectinload(Order.payments),
    with_expression(Order.item_count, COUNT),
)


def application(engine: AsyncEngine) -> FastAPI:
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def opened() -> AsyncIterator[AsyncSession]:
        async with sessions() as session:
            yield session

    Session = Annotated[AsyncSession, Depends(opened)]  # noqa: N806  # It stands for a type.
    app = FastAPI(openapi_url=None)

    @app.get("/list", response_model=ListPage)
    async def brief(request: Request, session: Session, after: str | None = None) -> Any:
        return await page(request, session, BRIEF, after)

    @app.get("/full", response_model=DetailPage)
    async def full(request: Request, session: Session, after: str | None = None) -> Any:
        return await page(request, session, DETAIL, after)

    @app.get("/one/{pk}", response_model=OrderDetail)
    async def one(pk: int, session: Session) -> Any:
        order = (await session.scalars(DETAIL.where(Order.id == pk))).one_or_none()
        if order is None:
            raise HTTPException(404)
        return order

    return app


async def page(
    request: Request, session: AsyncSession, orders: Select[Any], after: str | None
) -> dict[str, Any]:
    if position := keyset.parse(after):
        orders = orders.where(tuple_(Order.created_at, Order.id) < position)
    orders = orders.order_by(Order.created_at.desc(), Order.id.desc()).limit(SIZE + 1)
    found = (await session.scalars(orders)).all()
    results = found[:SIZE]
    last = (results[-1].created_at, results[-1].id) if len(found) > SIZE else None
    url = keyset.link(str(request.url.replace(query="")), last)
    return {"next": url, "previous": None, "results": results}
