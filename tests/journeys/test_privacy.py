"""Can somebody be forgotten from the privacy desk, knowingly, and does a certificate stay?"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from patronage.access import vault
from patronage.access.models import Erasure
from patronage.identify.models import Customer

from ..stages.customize.world import World
from ..stages.differentiate.history import NOW
from ..stages.site.test_gallery import keep_picture, serious
from .conftest import LogIn, fits

pytestmark = pytest.mark.browser


def test_a_customer_is_found_by_address_erased_knowingly_and_a_certificate_stays(
    world: World, log_in: LogIn
) -> None:
    customer = Customer.objects.order_by("label")[0]
    vault.put(customer.id, "email", "ann@example.org", NOW, searchable=True)
    page = log_in("eva")
    page.get_by_role("link", name="Privacy").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nobody was erased yet")
    page.get_by_role("main").get_by_label("Name, number or e-mail address").fill("ann@example.org")
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_text("Erase this customer…").click()
    keep_picture(page, "privacy-desk")
    assert serious(page) == []
    page.get_by_role("button", name="Erase for good").click()
    assert not Erasure.objects.exists(), "the box was not ticked"
    page.get_by_label("I know that this cannot be taken back").check()
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 customer was erased")
    expect(page.get_by_role("row", name="encrypted personal values")).to_contain_text("destroyed")
    assert vault.find("email", "ann@example.org") == []
    fits(page, 390)
    keep_picture(page, "privacy-desk-narrow")
    assert serious(page) == []
