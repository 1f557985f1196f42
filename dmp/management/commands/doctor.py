from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dmp import doctor


class Command(BaseCommand):
    help = "Says what is wrong with this installation, and what to do. Changes nothing."
    requires_system_checks: list[str] = []  # it says what they would, and goes on

    def handle(self, **_: Any) -> None:
        findings = doctor.examine()
        for finding in findings:
            self.stdout.write(f"{'!' if finding.serious else '-'} {finding.wrong}\n    {finding.way_out}")
        if any(finding.serious for finding in findings):
            raise CommandError("Something is wrong that people feel.")
        self.stdout.write("Nothing is wrong." if not findings else "Nothing that people feel.")
