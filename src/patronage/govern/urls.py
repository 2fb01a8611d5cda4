"""Addresses of the pages on who is in charge of whom."""

from __future__ import annotations

from django.urls import path

from patronage.govern import pages

app_name = "govern"
urlpatterns = [
    path("accounts", pages.accounts, name="accounts"),
    path("accounts/<str:account_id>", pages.account, name="account"),
    path("accounts/<str:account_id>/members", pages.join_account, name="join-account"),
    path("accounts/<str:account_id>/parents", pages.move_account, name="move-account"),
    path("accounts/<str:account_id>/delegations", pages.delegate_account, name="delegate-account"),
    path(
        "account-delegations/<str:account_delegation_id>/end",
        pages.end_account_delegation,
        name="end-account-delegation",
    ),
    path("assignment", pages.assignment, name="assignment"),
    path("assignment/movers.csv", pages.assignment_csv, name="assignment-csv"),
    path("boundaries", pages.boundaries, name="boundaries"),
    path("boundaries/preview", pages.boundary_preview, name="boundary-preview"),
    path("boundaries/<str:boundary_id>/lift", pages.boundary_lift, name="boundary-lift"),
    path("claims", pages.claim, name="claim"),
    path("claims/<str:claim_id>/withdraw", pages.withdraw_claim, name="withdraw-claim"),
    path("conflicts", pages.conflicts, name="conflicts"),
    path("conflicts/<str:conflict_id>", pages.conflict, name="conflict"),
    path("conflicts/<str:conflict_id>/rulings", pages.rule_on_conflict, name="rule-on-conflict"),
    path("cover", pages.cover, name="cover"),
    path("cover/<str:cover_id>/end", pages.cover_end, name="cover-end"),
    path(
        "customers/<str:customer_id>/service-tier", pages.set_service_tier, name="set-service-tier"
    ),
    path(
        "customers/<str:customer_id>/service-tier/revocation",
        pages.revoke_service_tier,
        name="revoke-service-tier",
    ),
    path("customers/<str:customer_id>/account-leavings", pages.leave_account, name="leave-account"),
    path("customers/<str:customer_id>/fence", pages.set_fence, name="set-fence"),
    path("fence", pages.fence, name="fence"),
    path("my-levers", pages.my_levers, name="my-levers"),
    path("my-levers/uses", pages.pull, name="pull"),
    path("my-levers/uses/<str:use_id>", pages.rule_on_use, name="rule-on-use"),
    path("my-levers/grants", pages.grant, name="grant"),
    path("my-levers/grants/<str:grant_id>/parts", pages.delegate, name="delegate"),
    path("my-levers/grants/<str:grant_id>/end", pages.end_grant, name="end-grant"),
    path("terms", pages.terms, name="terms"),
    path("portfolio", pages.portfolio, name="portfolio"),
    path("portfolio/hand-over", pages.hand_over, name="hand-over"),
    path("portfolios", pages.portfolios, name="portfolios"),
    path("portfolios/<str:portfolio_id>/managers", pages.appoint, name="appoint"),
]
