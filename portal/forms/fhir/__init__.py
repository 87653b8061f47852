"""The FHIR R4 face of a form: Questionnaires in and out, QuestionnaireResponses out, and nothing lost between.

What a form models is read into it; what it does not model stays beside it under `fhir`, in its place. Writing makes
the plainest item that says what the block says, then puts back what was kept, as long as the block still says the same.
"""
