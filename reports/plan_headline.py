"""The figures at the head of a plan's page: parcels, cost, bound, gap, overflow, verdict."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from data.plan_outcome import PlanOutcome
from reports.formats import Formats
from reports.messages import Messages
from reports.page import Figure
from reports.plan_figures import Costs
from reports.plan_inputs import PlanInputs


@dataclass(frozen=True)
class Headline:
    """What the figures are made of.

    Attributes
    ----------
    overflows
        Hub-days over their buffer.
    t, f
        Words and numbers of the reader's language.
    """

    inputs: PlanInputs
    costs: Costs
    outcome: PlanOutcome
    overflows: int
    t: Messages
    f: Formats

    def _carbon(self) -> list[Figure]:
        """Kilograms of carbon dioxide, where vehicles tell theirs: a formula and a unit, the same in every language."""
        kilograms, planned = self.inputs.certificate.get("co2_kg") or 0.0, self.inputs.certificate["parcels_planned"]
        if not kilograms:
            return []
        grams = Markup("{} g × {}").format(self.f.count(1000.0 * kilograms / max(planned, 1)), self.f.count(planned))
        source = f"plan_certificates.co2_kg · {self.inputs.run.run_id}; vehicle_types.co2_kg_per_km"
        return [Figure(Markup("CO₂"), Markup("{} kg").format(self.f.count(kilograms)), grams, source)]

    def figures(self) -> list[Figure]:
        """List the figures in the order of the page."""
        t, f, certificate = self.t, self.f, self.inputs.certificate
        run = self.inputs.run.run_id
        planned, violations = certificate["parcels_planned"], certificate["violations"]
        overflows = self.overflows
        probability = certificate["overflow_probability"]
        overflow_note = t("figure.overflow_note")
        if probability is not None:
            overflow_note = t("figure.overflow_probability", share=f.percent(probability, 1))
        per_parcel = f.decimal(self.costs.paid / planned if planned else None)
        gap_note = t("figure.gap_note")
        if self.outcome.short:
            gap_note = t(
                "figure.gap_short", unavoidable=f.count(self.outcome.unavoidable), short=f.count(self.outcome.short)
            )
        if self.outcome.short and probability is None:
            overflow_note = t("figure.overflow_short", short=f.count(self.outcome.short))
        return [
            Figure(
                t("figure.carried"),
                f.figure(planned),
                self._carried_of(),
                f"plan_certificates.parcels_planned · {run}",
                "bad" if certificate["parcels_short"] else "",
            ),
            Figure(
                t("figure.cost"),
                f.money(self.costs.paid),
                t("figure.cost_per_parcel", cost=per_parcel),
                f"trunk_departures.cost, hub_loads.handled · {run}; hubs.handling_cost",
            ),
            Figure(
                t("figure.bound"),
                f.money(self.outcome.bound),
                t("figure.bound_note", cost=f.money(self.outcome.cost)),
                f"plan_certificates.lower_bound, parcels_short · {run}; short_cost",
            ),
            Figure(
                t("figure.gap"),
                f.percent(self.outcome.gap, 2),
                gap_note,
                f"plan_certificates.cost, lower_bound, parcels_short · {run}; short_cost",
            ),
            Figure(
                t("figure.overflow"),
                f.count(overflows),
                overflow_note,
                f"hub_loads.held, shortfalls.parcels · {run}; hubs.buffer_capacity",
                "bad" if overflows else "" if self.outcome.short else "good",
            ),
            *self._carbon(),
            Figure(
                t("figure.verdict"),
                f.count(violations),
                t("figure.verdict_clean") if violations == 0 else t("figure.verdict_broken"),
                f"plan_certificates.violations · {run}",
                "bad" if violations else "good",
            ),
        ]

    def _carried_of(self) -> Markup:
        demanded, short = self.inputs.certificate["parcels_demanded"], self.inputs.certificate["parcels_short"]
        if not short:
            return self.t("figure.carried_all", demanded=self.f.figure(demanded))
        share = self.f.percent(self.inputs.certificate["parcels_planned"] / demanded, 1)
        return self.t("figure.carried_of", share=share, demanded=self.f.figure(demanded), short=self.f.figure(short))
