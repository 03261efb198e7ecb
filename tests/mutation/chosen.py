"""Which modules are changed, and which tests should notice: the fast ones for each."""

from typing import Final

# The tests that notice most stand first: a run ends with the first that fails.
TESTS: Final[dict[str, tuple[str, ...]]] = {
    "adapters.policy": (
        "test_policy", "test_view", "test_protections", "test_policy_data",
        "test_reviewing", "test_redaction_samples",
    ),
    "adapters.policy_checks": ("test_policy_checks", "test_policy"),
    "adapters.text": ("test_text_forms", "test_text", "test_guard", "test_known_leaks"),
    "adapters.handling": (
        "test_handling", "test_protections", "test_unknown_marks", "test_redaction",
        "test_policy", "test_reviewing", "test_redaction_rounds",
    ),
    "adapters.roles": ("test_roles", "test_policy", "test_redaction_samples"),
    "adapters.members": ("test_members", "test_redaction_samples"),
    "adapters.reviewing": ("test_reviewing", "test_review"),
    "adapters.made": ("test_made", "test_redaction", "test_redaction_samples"),
    "adapters.redaction": (
        "test_redaction", "test_redaction_rounds", "test_masking", "test_protections",
        "test_redaction_samples", "test_reviewing", "test_known_leaks",
    ),
    "adapters.applying": (
        "test_redaction", "test_redaction_rounds", "test_members", "test_masking",
        "test_redaction_samples", "test_protections", "test_coarse", "test_reviewing",
        "test_known_leaks",
    ),
    "adapters.cutting": (
        "test_redaction", "test_redaction_rounds", "test_masking", "test_protections",
        "test_unknown_marks", "test_coarse", "test_redaction_samples",
        "test_known_leaks", "test_reviewing",
    ),
    "adapters.settling": (
        "test_redaction", "test_unknown_marks", "test_unknown_parts",
        "test_redaction_rounds", "test_redaction_samples", "test_known_leaks",
    ),
    "adapters.guarding": (
        "test_guard", "test_known_leaks", "test_redaction", "test_redaction_rounds",
        "test_redaction_samples",
    ),
    "adapters.guard": ("test_guard", "test_known_leaks", "test_redaction_samples"),
}  # fmt: skip


def files(module: str) -> list[str]:
    """Give the files of the tests of a module, from the root of the checkout."""
    return [f"tests/adapters/{name}.py" for name in TESTS[module]]
