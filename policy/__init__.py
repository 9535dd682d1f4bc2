"""The policy pack: what a stack is held to, whatever its program and its settings say."""

#: The pack's name, as the engine prints it before each rule.
PACK = "strongroom"
