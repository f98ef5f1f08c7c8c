"""Items that stand in dev or test of a frozen version are marked as held out."""

from typing import Any

from django.db import migrations


def mark(apps: Any, schema_editor: Any) -> None:
    """As freezing does from now on."""
    items = apps.get_model("annotation", "Item").objects
    examples = apps.get_model("evaluation", "Example").objects
    held = examples.filter(split__in=["dev", "test"], version__frozen_at__isnull=False, item__isnull=False)
    items.filter(pk__in=held.values("item")).update(held_out=True)


class Migration(migrations.Migration):
    dependencies = [("annotation", "0021_quality_of_people"), ("evaluation", "0004_soft_gold")]
    operations = [migrations.RunPython(mark, migrations.RunPython.noop)]
