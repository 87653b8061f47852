"""The parts FHIR resources are made of: extension URLs, primitive values, answer options, Markdown beside text."""
