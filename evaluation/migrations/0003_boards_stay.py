"""Predictions hold values of any kind; what a board asks, what was predicted and told of a version stand for good."""

from typing import Any

from django.db import migrations, models

from annotation.triggers import Refusal, refuse


def labels_to_values(apps: Any, schema_editor: Any) -> None:
    quoted = "to_jsonb(label)" if schema_editor.connection.vendor == "postgresql" else "json_quote(label)"
    schema_editor.execute(f"UPDATE evaluation_prediction SET value = {quoted} WHERE label <> ''")


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0002_immutability")]

    operations = [
        migrations.AddField("prediction", "value", models.JSONField(null=True)),
        migrations.RunPython(labels_to_values, migrations.RunPython.noop),
        migrations.RemoveField("prediction", "label"),
        refuse(
            Refusal(
                name="open_board_update",
                table="evaluation_benchmark",
                says="A board that is open cannot be changed. Freeze a new version; it opens a new board.",
            ),
            Refusal(
                name="prediction_update",
                table="evaluation_prediction",
                says="Predictions cannot be changed once they are handed in. Hand in new ones.",
            ),
            Refusal(
                name="frozen_version_story_update",
                table="evaluation_datasetversion",
                says="A frozen version cannot be changed or deleted. Freeze a new version.",
                columns=("change_note", "created_at", "created_by_id"),
                when="OLD.frozen_at IS NOT NULL",
            ),
            Refusal(
                name="frozen_version_state_update",
                table="evaluation_datasetversion",
                says="A frozen version cannot be changed or deleted. Freeze a new version.",
                columns=("state",),
                when="OLD.frozen_at IS NOT NULL AND OLD.state = 'done' AND NEW.state <> 'done'",
            ),
        )
    ]
