"""Published instruments, recognized when a practice imports one: facts about them, never their wording."""
