"""policy: read, check, compare and try redaction policies."""

from cyclopts import App

from adapters.cli import policy_check, policy_diff, policy_show, policy_simulate

policy = App(
    name="policy",
    help="Redaction policies: read, check, compare, and try on last week's records.",
)
policy.command(policy_check.check)
policy.command(policy_show.show_policy, name="show")
policy.command(policy_diff.diff)
policy.command(policy_simulate.simulate)
