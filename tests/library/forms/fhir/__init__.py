"""The FHIR face of forms."""
