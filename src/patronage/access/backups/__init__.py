"""Both stores kept together as of one moment, checked, and put back without what was erased since.

The operational store is read in one snapshot; the warehouse's files never change once written;
what the outbox holds is copied after the snapshot, so that no contact counts as sent without its
line. Keys are kept apart: one backup of the key file, always the newest, serves every backup of
the data, and an erasure reaches it too.
"""

from patronage.access.backups.checking import CheckReport, check_backup
from patronage.access.backups.restoring import Restored, restore_backup
from patronage.access.backups.taking import Taken, back_up_keys, take_backup

__all__ = [
    "CheckReport",
    "Restored",
    "Taken",
    "back_up_keys",
    "check_backup",
    "restore_backup",
    "take_backup",
]
