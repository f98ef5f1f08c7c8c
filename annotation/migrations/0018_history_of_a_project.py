"""What is done in a project is written down for good; the history of answers knows project and person."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from annotation.triggers import Refusal, refuse, repeat

UPDATE = Refusal(
    name="revision_update",
    table="annotation_revision",
    says="The history of an answer cannot be changed. Give a new answer.",
)


def fill(apps, schema_editor):
    """Project and person of each revision are those of its annotation; all but the first change what was said."""
    on_postgresql = schema_editor.connection.vendor == "postgresql"
    if on_postgresql:
        # So that no check is left waiting when the table is altered again.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        schema_editor.execute("ALTER TABLE annotation_revision DISABLE TRIGGER revision_update")
    else:
        schema_editor.execute("DROP TRIGGER IF EXISTS revision_update")
    schema_editor.execute(
        "UPDATE annotation_revision SET"
        " project_id = (SELECT project_id FROM annotation_annotation a WHERE a.id = annotation_id),"
        " person_id = (SELECT annotator_id FROM annotation_annotation a WHERE a.id = annotation_id),"
        " corrects = EXISTS (SELECT 1 FROM annotation_revision earlier"
        " WHERE earlier.annotation_id = annotation_revision.annotation_id AND earlier.id < annotation_revision.id)"
    )
    if on_postgresql:
        schema_editor.execute("ALTER TABLE annotation_revision ENABLE TRIGGER revision_update")



class Migration(migrations.Migration):

    dependencies = [
        ("annotation", "0017_examples_reviews_and_plans"),
    ]

    operations = [
        migrations.CreateModel(
            name='Act',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=30)),
                ('question', models.CharField(blank=True, max_length=60)),
                ('details', models.JSONField(default=dict)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.AddField(
            model_name='revision',
            name='corrects',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='revision',
            name='person',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='revision',
            name='project',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotation.project'),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='revision',
            name='person',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='revision',
            name='project',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotation.project'),
        ),
        migrations.AddIndex(
            model_name='annotation',
            index=models.Index(condition=models.Q(('superseded_at__isnull', False)), fields=['project', 'superseded_at', 'id'], name='annotations_set_aside'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(fields=['project', 'opened_at', 'id'], name='cases_opened'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(condition=models.Q(('closed_at__isnull', False)), fields=['project', 'closed_at', 'id'], name='cases_closed'),
        ),
        migrations.AddIndex(
            model_name='gold',
            index=models.Index(fields=['project', 'settled_at', 'id'], name='gold_in_time'),
        ),
        migrations.AddIndex(
            model_name='gold',
            index=models.Index(condition=models.Q(('superseded_at__isnull', False)), fields=['project', 'superseded_at', 'id'], name='gold_replaced'),
        ),
        migrations.AddIndex(
            model_name='revision',
            index=models.Index(fields=['project', 'at', 'id'], name='revisions_in_time'),
        ),
        migrations.AddIndex(
            model_name='revision',
            index=models.Index(fields=['person', 'project', 'at', 'id'], name='revisions_of_a_person'),
        ),
        migrations.AddIndex(
            model_name='revision',
            index=models.Index(condition=models.Q(('corrects', True)), fields=['project', 'at', 'id'], name='corrections_in_time'),
        ),
        migrations.AddField(
            model_name='act',
            name='about',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='act',
            name='by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='act',
            name='guideline_version',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='annotation.guidelineversion'),
        ),
        migrations.AddField(
            model_name='act',
            name='item',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='annotation.item'),
        ),
        migrations.AddField(
            model_name='act',
            name='project',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='acts', to='annotation.project'),
        ),
        migrations.AddIndex(
            model_name='act',
            index=models.Index(fields=['project', 'at', 'id'], name='acts_in_time'),
        ),
        migrations.AddIndex(
            model_name='act',
            index=models.Index(condition=models.Q(('by__isnull', False)), fields=['by', 'project', 'at', 'id'], name='acts_by_a_person'),
        ),
        migrations.AddIndex(
            model_name='act',
            index=models.Index(condition=models.Q(('about__isnull', False)), fields=['about', 'project', 'at', 'id'], name='acts_about_a_person'),
        ),
        migrations.AddIndex(
            model_name='act',
            index=models.Index(condition=models.Q(('item__isnull', False)), fields=['item', 'at', 'id'], name='acts_about_an_item'),
        ),
        repeat(UPDATE),
        refuse(
            Refusal(
                name="revision_delete",
                table="annotation_revision",
                says="The history of an answer stays.",
                delete=True,
            ),
            Refusal(
                name="act_update",
                table="annotation_act",
                says="The history of a project cannot be changed.",
            ),
            Refusal(
                name="act_delete",
                table="annotation_act",
                says="The history of a project stays.",
                delete=True,
            ),
            Refusal(
                name="gold_update",
                table="annotation_gold",
                says="Gold stands as it was settled. Settle the answer anew.",
                columns=("id", "project_id", "item_id", "question", "value", "distribution", "method", "reason", "note", "settled_by_id", "settled_at"),
            ),
        ),
    ]
