"""What things are called at Larkmere, a marketplace for furniture with a past. All made up.

    Namer(rng).dag("ads", "daily")  ->  "ads_spend_attribution_daily", never the same twice
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Team:
    """A team, who is in it, and what its data is about.

    Attributes:
        name: as in the tag `team:<name>`.
        owners: people and lists that own DAGs.
        projects: as in the tag `project:<name>`.
        subjects: what its DAGs are about.
        tier: how important most of its DAGs are; 1 is the most.
    """

    name: str
    owners: tuple[str, ...]
    projects: tuple[str, ...]
    subjects: tuple[str, ...]
    tier: int


TEAMS = (
    Team("ads", ("mara.lindqvist", "ads-oncall", "tobi.adeyemi"), ("ads", "ads-billing"),
         ("ads_spend", "ads_click", "campaign", "auction_bid", "ads_creative", "ads_budget"), 1),
    Team("growth", ("jun.tanaka", "growth-data"), ("activation", "crm"),
         ("signup", "referral", "email_journey", "push_campaign", "cohort", "experiment"), 2),
    Team("search", ("ines.carvalho", "search-relevance", "paul.okello"), ("search", "ranking"),
         ("query_log", "ranking_feature", "search_index", "synonym", "listing_embedding"), 1),
    Team("payments", ("payments-data", "rhea.dsouza"), ("payments", "ledger"),
         ("payout", "refund", "chargeback", "settlement", "ledger", "invoice"), 1),
    Team("catalogue", ("catalogue-team", "sven.holm"), ("catalogue", "images"),
         ("listing", "seller", "category", "price_history", "image_quality", "attribute"), 2),
    Team("trust", ("trust-and-safety", "amina.yusuf"), ("trust",),
         ("fraud_score", "account_risk", "review_moderation", "takedown", "device_graph"), 1),
    Team("logistics", ("logistics-eng", "pedro.alves"), ("delivery", "warehouse-ops"),
         ("shipment", "carrier_rate", "route_plan", "stock_level", "return_parcel"), 2),
    Team("ml-platform", ("ml-platform", "hana.novak"), ("features", "recsys"),
         ("home_feed", "recommendation", "user_feature", "item_feature", "taste_model"), 2),
    Team("stories", ("stories-editorial-data", "leo.marchetti"), ("stories",),
         ("story_view", "author", "newsletter", "comment", "video_watch"), 3),
    Team("finance", ("finance-reporting", "grace.muller"), ("finance",),
         ("revenue", "vat_report", "fx_rate", "forecast", "close"), 1),
)
ACTIONS = ("attribution", "rollup", "export", "sync", "backstop", "quality", "snapshot", "dedupe",
           "aggregates", "ingest", "enrichment", "publish", "metrics", "summary", "scoring",
           "reconciliation", "partition", "feed", "features", "audit")
REGIONS = ("", "eu", "us", "apac", "global", "nordics", "uk")
SOURCES = ("orders", "listings", "sessions", "clicks", "users", "sellers", "payouts", "refunds",
           "searches", "messages", "impressions", "shipments", "reviews", "prices", "events",
           "sites", "devices", "addresses", "coupons", "invoices")
PARTS = ("clean", "sessionise", "join", "rank", "window", "pivot", "score", "match", "expand",
         "attribute", "normalise", "bucket", "filter", "merge", "sample")
# As people write them when nobody looks: all allowed by Airflow.
ODD_DAG_IDS = (
    "tmp.copy-of-copy.payout_v2-FINAL.do-not-delete",
    "reporte_señales_catálogo_diario",
    "MIGRATED__legacy_cron__07__finance.close.month_end__with_retries_and_slack_and_pagerduty_"
    "notifications_please_ask_grace_before_you_touch_this_one",
    "広告_impression_集計",
    "x",
)


def team_of(name: str) -> Team:
    """A team by its name."""
    return next(team for team in TEAMS if team.name == name)


@dataclass
class Namer:
    """Gives out ids of DAGs, none of them twice in a cluster."""

    rng: np.random.Generator
    used: set[str] = field(default_factory=set)

    def dag(self, team: Team, rhythm: str) -> str:
        """An id as this team would choose it; `rhythm` is daily, hourly and so on."""
        for number in range(1, 10_000):
            words = [self.pick(team.subjects), self.pick(ACTIONS), self.pick(REGIONS), rhythm]
            name = "_".join(word for word in words if word)
            if number > 20:
                name = f"{name}_{number - 19}"
            if self.take(name):
                return name
        raise RuntimeError("no name is left")

    def take(self, name: str) -> bool:
        """Whether the name was still free; it is not any more."""
        is_free = name not in self.used
        self.used.add(name)
        return is_free

    def pick(self, words: tuple[str, ...]) -> str:
        """One of the words."""
        return words[int(self.rng.integers(len(words)))]
