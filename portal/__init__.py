"""The portal: therapists assign readings and exercises to clients, clients work on them, therapists see how it goes.

Its packages, top to bottom; each imports only what stands below it:

    cli
    app | backup | demo | recover | server
    audit
    assignments
    safety
    library | caseload
    accounts
    http | forms
    core

`docs/architecture.md` says where a line of code lives and how a request walks through.
"""

__version__ = "0.1.0"
