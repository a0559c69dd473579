"""the general lead

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("installation", sa.Column("lead_seconds", sa.Double(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("installation") as table:
        table.drop_column("lead_seconds")
