from ringbed.sim import moved

moved.install("ringbed.conformance", {"replay": "references.replay"})
