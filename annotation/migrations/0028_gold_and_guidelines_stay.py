"""What was settled, decided a second time or published does not go, and the rule of a decision stays as it was named."""

from django.db import migrations

from annotation.triggers import Refusal, refuse


class Migration(migrations.Migration):

    dependencies = [
        ("annotation", "0027_words_of_an_assignment"),
    ]

    operations = [
        refuse(
            Refusal(
                name="gold_delete",
                table="annotation_gold",
                says="Gold stays. Settle the answer anew.",
                delete=True,
            ),
            Refusal(
                name="gold_rule_update",
                table="annotation_gold",
                says="Gold stands as it was settled. Settle the answer anew.",
                columns=("rule", "guideline_version_id"),
            ),
            Refusal(
                name="published_guideline_delete",
                table="annotation_guidelineversion",
                says="A published guideline stays.",
                delete=True,
            ),
            Refusal(
                name="second_opinion_update",
                table="annotation_secondopinion",
                says="A second decision stands as it was made.",
            ),
            Refusal(
                name="second_opinion_delete",
                table="annotation_secondopinion",
                says="A second decision stays.",
                delete=True,
            ),
        ),
    ]
