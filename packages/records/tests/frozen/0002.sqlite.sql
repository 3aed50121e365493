BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE drift_check (
	id TEXT NOT NULL, 
	time DATETIME NOT NULL, 
	model TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	verdict TEXT NOT NULL, 
	p_value DOUBLE, 
	images INTEGER NOT NULL, 
	since DATETIME, 
	until DATETIME, 
	document JSON NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "drift_check" VALUES('01930000-0000-7000-8000-000000000100','2026-11-30 08:15:30.000250','fashion-mnist',2,'drift',0.0005,1000,'2026-11-30 08:15:30.000250','2026-11-30 08:15:30.000250','{"detectors":[{"name":"brightness","effect":0.25}],"odd":"ünï ''x'' 😀"}');
INSERT INTO "drift_check" VALUES('01930000-0000-7000-8000-000000000101','2026-11-30 09:15:30.000250','fashion-mnist',2,'drift',0.0005,1000,'2026-11-30 08:15:30.000250','2026-11-30 09:15:30.000250','{"detectors":[{"name":"brightness","effect":0.25}],"odd":"ünï ''x'' 😀"}');
INSERT INTO "drift_check" VALUES('01930000-0000-7000-8000-000000000102','2026-11-30 10:15:30.000250','fashion-mnist',2,'not enough data',NULL,0,NULL,NULL,'{"detectors":[{"name":"brightness","effect":0.25}],"odd":"ünï ''x'' 😀"}');
CREATE TABLE feedback (
	id TEXT NOT NULL, 
	prediction_id TEXT NOT NULL, 
	label TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	time DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "feedback" VALUES('f0','01930000-0000-7000-8000-000000000000','label 0','ann','2026-11-30 08:15:30.000250');
INSERT INTO "feedback" VALUES('f1','01930000-0000-7000-8000-000000000001','label 1','ann','2026-11-30 08:15:30.000250');
INSERT INTO "feedback" VALUES('f2','01930000-0000-7000-8000-000000000000','label 2','ann','2026-11-30 08:15:30.000250');
CREATE TABLE outbox (
	id TEXT NOT NULL, 
	time DATETIME NOT NULL, 
	type TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	cooldown_from DATETIME NOT NULL, 
	model TEXT, 
	version INTEGER, 
	document JSON NOT NULL, 
	state TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_attempt DATETIME, 
	delivered DATETIME, 
	last_error TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "outbox" VALUES('01930000-0000-7000-8000-000000000100','2026-11-30 08:15:30.000250','drift-detected','drift 0','2026-11-30 11:15:30.000250','fashion-mnist',2,'{"id":"01930000-0000-7000-8000-000000000100","type":"drift-detected","schema":1,"time":"2026-11-30T08:15:30.000250Z","model":"fashion-mnist","version":2,"source":"sqlite:///mlopsproj.db","data":{"changed":["brightness"],"p_value":0.0005,"effects":{},"images":1000,"since":null,"until":null,"estimated_accuracy":null,"accuracy":null,"reference_accuracy":null}}','delivered',1,NULL,'2026-11-30 11:15:30.000250',NULL);
INSERT INTO "outbox" VALUES('01930000-0000-7000-8000-000000000101','2026-11-30 09:15:30.000250','drift-detected','drift 1','2026-11-30 11:15:30.000250','fashion-mnist',2,'{"id":"01930000-0000-7000-8000-000000000101","type":"drift-detected","schema":1,"time":"2026-11-30T09:15:30.000250Z","model":"fashion-mnist","version":2,"source":"sqlite:///mlopsproj.db","data":{"changed":["brightness"],"p_value":0.0005,"effects":{},"images":1000,"since":null,"until":null,"estimated_accuracy":null,"accuracy":null,"reference_accuracy":null}}','pending',1,'2026-11-30 11:15:35.000250',NULL,'nobody is there');
CREATE TABLE prediction (
	id TEXT NOT NULL, 
	time DATETIME NOT NULL, 
	model TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	top_k JSON NOT NULL, 
	probabilities BLOB NOT NULL, 
	embedding BLOB NOT NULL, 
	ood_score DOUBLE, 
	statistics JSON NOT NULL, 
	latency_ms JSON NOT NULL, 
	request_id TEXT NOT NULL, 
	image_sha256 TEXT NOT NULL, 
	image_url TEXT, 
	shadow_of TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "prediction" VALUES('01930000-0000-7000-8000-000000000000','2026-11-30 08:15:30.000250','fashion-mnist',1,'[["Sandal",0.75],["Bag",0.25]]',X'4AE5713F4106203F',X'79392D3BA038353A',0.0,'{"width":640,"height":480,"mode":"RGB","brightness":0.5}','{"queue":0.25,"decode":1.5,"infer":2.0}','r0','0000000000000000000000000000000000000000000000000000000000000000',NULL,NULL);
INSERT INTO "prediction" VALUES('01930000-0000-7000-8000-000000000000-odd','2026-11-30 08:15:30.000250','ünï ''x'' 😀',1,'[]',X'',X'79392D3BA038353A',0.0,'{"width":640,"height":480,"mode":"RGB","brightness":0.5}','{}','r0','0000000000000000000000000000000000000000000000000000000000000000',NULL,NULL);
INSERT INTO "prediction" VALUES('01930000-0000-7000-8000-000000000001','2026-11-30 09:15:30.000250','fashion-mnist',1,'[["Sandal",0.75],["Bag",0.25]]',X'276A553FB49C663E',X'1C2BCD349034FD3A',3.33333333333333314829e-01,'{"width":640,"height":480,"mode":"RGB","brightness":0.5}','{"queue":0.25,"decode":1.5,"infer":2.0}','r0','0000000000000000000000000000000000000000000000000000000000000001','file:///images/1.png','01930000-0000-7000-8000-000000000000');
INSERT INTO "prediction" VALUES('01930000-0000-7000-8000-000000000002','2026-11-30 10:15:30.000250','fashion-mnist',1,'[["Sandal",0.75],["Bag",0.25]]',X'ACA1693F8088AC3B',X'FF37923A3530603A',6.66666666666666629659e-01,'{"width":640,"height":480,"mode":"RGB","brightness":0.5}','{"queue":0.25,"decode":1.5,"infer":2.0}','r1','0000000000000000000000000000000000000000000000000000000000000002',NULL,NULL);
INSERT INTO "prediction" VALUES('01930000-0000-7000-8000-000000000003','2026-11-30 11:15:30.000250','fashion-mnist',1,'[["Sandal",0.75],["Bag",0.25]]',X'C8E1F33D2A95EF3E',X'883AD93477357434',1.0,'{"width":640,"height":480,"mode":"RGB","brightness":0.5}','{"queue":0.25,"decode":1.5,"infer":2.0}','r1','0000000000000000000000000000000000000000000000000000000000000003','file:///images/3.png',NULL);
INSERT INTO "prediction" VALUES('01930000-0000-7000-8000-000000000004','2026-11-30 12:15:30.000250','fashion-mnist',2,'[["Sandal",0.75],["Bag",0.25]]',X'3E2F383F447E823E',X'EC3B1F37A6370938',1.33333333333333325931e+00,'{"width":640,"height":480,"mode":"RGB","brightness":0.5}','{"queue":0.25,"decode":1.5,"infer":2.0}','r2','0000000000000000000000000000000000000000000000000000000000000004',NULL,NULL);
INSERT INTO "prediction" VALUES('01930000-0000-7000-8000-000000000005','2026-11-30 13:15:30.000250','fashion-mnist',2,'[["Sandal",0.75],["Bag",0.25]]',X'8821153F00B20D3F',X'1338F73B763A573A',1.66666666666666674068e+00,'{"width":640,"height":480,"mode":"RGB","brightness":0.5}','{"queue":0.25,"decode":1.5,"infer":2.0}','r2','0000000000000000000000000000000000000000000000000000000000000005','file:///images/5.png',NULL);
INSERT INTO "prediction" VALUES('01930000-0000-7000-8000-000000000006','2026-11-30 14:15:30.000250','fashion-mnist',2,'[["Sandal",0.75],["Bag",0.25]]',X'2F45333F23471F3F',X'7535E93B7637E432',2.0,'{"width":640,"height":480,"mode":"RGB","brightness":0.5}','{"queue":0.25,"decode":1.5,"infer":2.0}','r3','0000000000000000000000000000000000000000000000000000000000000006',NULL,NULL);
CREATE TABLE retraining (
	id TEXT NOT NULL, 
	event_id TEXT NOT NULL, 
	time DATETIME NOT NULL, 
	model TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	how TEXT NOT NULL, 
	state TEXT NOT NULL, 
	actor TEXT, 
	reason TEXT, 
	decided DATETIME, 
	attempts INTEGER NOT NULL, 
	next_attempt DATETIME, 
	place TEXT, 
	started DATETIME, 
	finished DATETIME, 
	detail TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "retraining" VALUES('01930000-0000-7000-8000-000000000200','01930000-0000-7000-8000-000000000100','2026-11-30 11:15:30.000250','fashion-mnist',2,'command: train','approved','ann','it rains','2026-11-30 11:15:30.000250',0,NULL,NULL,NULL,NULL,NULL);
CREATE INDEX prediction_by_time ON prediction (time, id);
CREATE INDEX prediction_by_model ON prediction (model, version, time, id);
CREATE INDEX prediction_by_image ON prediction (image_url) WHERE image_url IS NOT NULL;
CREATE INDEX feedback_by_prediction ON feedback (prediction_id, time, id);
CREATE INDEX feedback_by_time ON feedback (time);
CREATE INDEX drift_check_by_model ON drift_check (model, version, time, id);
CREATE INDEX drift_check_by_time ON drift_check (time, id);
CREATE INDEX outbox_by_key ON outbox ("key", cooldown_from);
CREATE INDEX outbox_by_state ON outbox (state, time, id);
CREATE INDEX retraining_by_model ON retraining (model, time, id);
CREATE INDEX retraining_by_state ON retraining (state, time, id);
COMMIT;
