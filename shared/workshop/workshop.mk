# The tutor. Each target hands over to shared/workshop/shop; what is typed behind it (CH=3,
# TASK=3.2, ...) reaches it through the environment, as make exports command line variables.
SHOP = @BUILD='$(BUILD)' shared/workshop/shop

.PHONY: status check watch hint diff reset predict attack
.PHONY: starters starters-check weave weave-check consoles

status: ## how far you are, and what is next
	$(SHOP) status

check: ## CH=3: build and test your code, task by task (TASK=3.2)
	$(SHOP) check

watch: ## CH=3: check again whenever you save
	$(SHOP) watch

hint: ## TASK=3.2: the next hint (TIER=2, ALL=1: never locked)
	$(SHOP) hint

diff: ## CH=3: your code beside ours, after passing or hint 4 (FORCE=1)
	$(SHOP) diff

reset: ## CH=3: the starter again; yours is kept (TASK=3.2)
	$(SHOP) reset

predict: ## CH=3: questions that this machine's kernel answers; ANSWERS=a,c,b guesses beforehand
	$(SHOP) predict

attack: ## CH=2: escapes, before a chapter stops them and after
	$(SHOP) attack

starters: ## authors: write chapters/*/*.c anew from solutions/
	$(SHOP) starters

starters-check: ## authors: is a starter not as its solution says?
	$(SHOP) starters --check

weave: ## authors: fill the C quotes of the lessons
	$(SHOP) weave

weave-check: ## authors: does a lesson quote code that has changed?
	$(SHOP) weave --check

consoles: ## authors: run the lessons' console blocks (CH=3)
	$(SHOP) consoles
