from ringbed.sim import moved

moved.install()
