DROP INDEX crl_holding;
DROP TABLE delta_crl;
