"""Days of work tell answers to control items apart; figures made before did not, so the worker makes new ones."""

from django.db import migrations, models


def forget(apps, schema_editor):
    """Figures of quality are made again by whoever looks at them, or within ten minutes."""
    apps.get_model("annotation", "QualityReport").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("annotation", "0024_errand")]

    operations = [
        migrations.AddField("workday", "controls", models.PositiveIntegerField(default=0)),
        migrations.RunPython(forget, migrations.RunPython.noop),
    ]
