"""From a symptom, a log, findings and answers to ranked causes, with the words of rules/symptoms/."""
