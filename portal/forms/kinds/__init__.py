"""The block types, one file each: schema, answers, comparisons, authoring rules, FHIR item, number and preview."""
