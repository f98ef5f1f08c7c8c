"""What a board asks, what was predicted and all that is told of a frozen version stand for good, too."""

from django.db import migrations

from annotation.triggers import Refusal, refuse


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0002_immutability")]

    operations = [
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
