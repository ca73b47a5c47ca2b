DROP TABLE gateway_stop;
