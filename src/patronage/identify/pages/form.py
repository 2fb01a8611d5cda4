"""What is asked before a file is imported: the file, and the mapping that says how to read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from patronage.access.errors import Refused
from patronage.identify.mapping import packaged, packaged_names, parse_mapping

PASTED = "pasted"
_LONGEST_MAPPING = 100_000


class ImportForm(forms.Form):
    """A file and its mapping; checked, it holds the mapping in `cleaned_data["rule"]`."""

    use_required_attribute = False

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or Parquet, as your system exports it."),
        error_messages={
            "required": _("Choose the file to import."),
            "empty": _("This file is empty: there is nothing to import."),
        },
    )
    mapping = forms.ChoiceField(
        label=_("Mapping"),
        help_text=_("Says which column is which field, in which unit, time zone and currency."),
        error_messages={"required": _("Choose a mapping, or paste one.")},
    )
    text = forms.CharField(
        label=_("Pasted mapping"),
        required=False,
        max_length=_LONGEST_MAPPING,
        help_text=_("TOML; used when “pasted below” is chosen above."),
        widget=forms.Textarea(
            attrs={
                "rows": 8,
                "spellcheck": "false",
                "placeholder": 'dataset = "order_lines"\nformat = "csv"\ncurrency = "EUR"',
            }
        ),
    )
    joined = forms.FileField(
        label=_("Second file"),
        required=False,
        help_text=_("Only where the mapping completes each row from another file."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: list[tuple[str, Any]] = [
            ("", _("Choose a mapping")),
            (PASTED, _("Pasted below")),
            *((name, name.replace("/", " · ")) for name in packaged_names()),
        ]
        field = self.fields["mapping"]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices

    def clean(self) -> dict[str, Any]:
        """Read the mapping; where it cannot be used, its own sentence says why."""
        cleaned = super().clean() or {}
        chosen, text = cleaned.get("mapping"), str(cleaned.get("text") or "")
        if not chosen:
            return cleaned
        if chosen == PASTED and not text.strip():
            self.add_error("text", _("Paste the mapping here, or choose one above."))
            return cleaned
        try:
            if chosen == PASTED:
                cleaned["rule"] = parse_mapping(text, name="uploaded mapping")
            else:
                cleaned["rule"] = packaged(str(chosen))[0]
        except Refused as error:
            self.add_error("text" if chosen == PASTED else "mapping", str(error))
            return cleaned
        if cleaned["rule"].join is not None and not cleaned.get("joined"):
            wanted = cleaned["rule"].join.file
            self.add_error(
                "joined", _("This mapping completes each row from %(file)s.") % {"file": wanted}
            )
        return cleaned

    def file_name(self) -> str:
        """The name shown in histories."""
        return Path(self.cleaned_data["file"].name or "file").name[:255]
