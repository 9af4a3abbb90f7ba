"""When a service is to be redesigned or built anew: the rule, the logic it uses, and its explanation."""
