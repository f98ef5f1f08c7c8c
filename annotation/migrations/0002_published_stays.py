"""A published guideline and the history of an answer stand for good; two user names differ in more than case."""

from django.db import migrations, models
from django.db.models.functions import Lower

from annotation.triggers import Refusal, refuse


class Migration(migrations.Migration):
    dependencies = [("annotation", "0001_initial")]

    operations = [
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                Lower("username"),
                name="one_user_per_name",
                violation_error_message="A user with that username already exists.",
            ),
        ),
        refuse(
            Refusal(
                name="published_guideline_update",
                table="annotation_guidelineversion",
                says="A published guideline cannot be changed. Publish a new version.",
            ),
            Refusal(
                name="revision_update",
                table="annotation_revision",
                says="The history of an answer cannot be changed. Give a new answer.",
            ),
        ),
    ]
