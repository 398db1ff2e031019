from ringbed.drivers.em.driver import Em as Em
