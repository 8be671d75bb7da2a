"""Two organisations and their introduction: answers, proposals, what became of it, and when it is over."""
