SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.drift_check (
    id text NOT NULL COLLATE pg_catalog."C",
    "time" timestamp with time zone NOT NULL,
    model text NOT NULL,
    version integer NOT NULL,
    verdict text NOT NULL,
    p_value double precision,
    images integer NOT NULL,
    since timestamp with time zone,
    until timestamp with time zone,
    document json NOT NULL
);
CREATE TABLE public.feedback (
    id text NOT NULL COLLATE pg_catalog."C",
    prediction_id text NOT NULL COLLATE pg_catalog."C",
    label text NOT NULL,
    actor text NOT NULL,
    "time" timestamp with time zone NOT NULL
);
CREATE TABLE public.outbox (
    id text NOT NULL COLLATE pg_catalog."C",
    "time" timestamp with time zone NOT NULL,
    type text NOT NULL,
    key text NOT NULL,
    cooldown_from timestamp with time zone NOT NULL,
    model text,
    version integer,
    document json NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL,
    next_attempt timestamp with time zone,
    delivered timestamp with time zone,
    last_error text
);
CREATE TABLE public.prediction (
    id text NOT NULL COLLATE pg_catalog."C",
    "time" timestamp with time zone NOT NULL,
    model text NOT NULL,
    version integer NOT NULL,
    top_k json NOT NULL,
    probabilities bytea NOT NULL,
    embedding bytea NOT NULL,
    ood_score double precision,
    statistics json NOT NULL,
    latency_ms json NOT NULL,
    request_id text NOT NULL,
    image_sha256 text NOT NULL,
    image_url text,
    shadow_of text COLLATE pg_catalog."C"
);
CREATE TABLE public.retraining (
    id text NOT NULL COLLATE pg_catalog."C",
    event_id text NOT NULL COLLATE pg_catalog."C",
    "time" timestamp with time zone NOT NULL,
    model text NOT NULL,
    version integer NOT NULL,
    how text NOT NULL,
    state text NOT NULL,
    actor text,
    reason text,
    decided timestamp with time zone,
    attempts integer NOT NULL,
    next_attempt timestamp with time zone,
    place text,
    started timestamp with time zone,
    finished timestamp with time zone,
    detail text
);
INSERT INTO public.alembic_version VALUES ('0002');
INSERT INTO public.drift_check VALUES ('01930000-0000-7000-8000-000000000100', '2026-11-30 08:15:30.00025+00', 'fashion-mnist', 2, 'drift', 0.0005, 1000, '2026-11-30 08:15:30.00025+00', '2026-11-30 08:15:30.00025+00', '{"detectors":[{"name":"brightness","effect":0.25}],"odd":"ünï ''x'' 😀"}');
INSERT INTO public.drift_check VALUES ('01930000-0000-7000-8000-000000000101', '2026-11-30 09:15:30.00025+00', 'fashion-mnist', 2, 'drift', 0.0005, 1000, '2026-11-30 08:15:30.00025+00', '2026-11-30 09:15:30.00025+00', '{"detectors":[{"name":"brightness","effect":0.25}],"odd":"ünï ''x'' 😀"}');
INSERT INTO public.drift_check VALUES ('01930000-0000-7000-8000-000000000102', '2026-11-30 10:15:30.00025+00', 'fashion-mnist', 2, 'not enough data', NULL, 0, NULL, NULL, '{"detectors":[{"name":"brightness","effect":0.25}],"odd":"ünï ''x'' 😀"}');
INSERT INTO public.feedback VALUES ('f0', '01930000-0000-7000-8000-000000000000', 'label 0', 'ann', '2026-11-30 08:15:30.00025+00');
INSERT INTO public.feedback VALUES ('f1', '01930000-0000-7000-8000-000000000001', 'label 1', 'ann', '2026-11-30 08:15:30.00025+00');
INSERT INTO public.feedback VALUES ('f2', '01930000-0000-7000-8000-000000000000', 'label 2', 'ann', '2026-11-30 08:15:30.00025+00');
INSERT INTO public.outbox VALUES ('01930000-0000-7000-8000-000000000100', '2026-11-30 08:15:30.00025+00', 'drift-detected', 'drift 0', '2026-11-30 11:15:30.00025+00', 'fashion-mnist', 2, '{"id":"01930000-0000-7000-8000-000000000100","type":"drift-detected","schema":1,"time":"2026-11-30T08:15:30.000250Z","model":"fashion-mnist","version":2,"source":"sqlite:///mlopsproj.db","data":{"changed":["brightness"],"p_value":0.0005,"effects":{},"images":1000,"since":null,"until":null,"estimated_accuracy":null,"accuracy":null,"reference_accuracy":null}}', 'delivered', 1, NULL, '2026-11-30 11:15:30.00025+00', NULL);
INSERT INTO public.outbox VALUES ('01930000-0000-7000-8000-000000000101', '2026-11-30 09:15:30.00025+00', 'drift-detected', 'drift 1', '2026-11-30 11:15:30.00025+00', 'fashion-mnist', 2, '{"id":"01930000-0000-7000-8000-000000000101","type":"drift-detected","schema":1,"time":"2026-11-30T09:15:30.000250Z","model":"fashion-mnist","version":2,"source":"sqlite:///mlopsproj.db","data":{"changed":["brightness"],"p_value":0.0005,"effects":{},"images":1000,"since":null,"until":null,"estimated_accuracy":null,"accuracy":null,"reference_accuracy":null}}', 'pending', 1, '2026-11-30 11:15:35.00025+00', NULL, 'nobody is there');
INSERT INTO public.prediction VALUES ('01930000-0000-7000-8000-000000000000', '2026-11-30 08:15:30.00025+00', 'fashion-mnist', 1, '[["Sandal",0.75],["Bag",0.25]]', '\x4ae5713f4106203f', '\x79392d3ba038353a', 0, '{"width":640,"height":480,"mode":"RGB","brightness":0.5}', '{"queue":0.25,"decode":1.5,"infer":2.0}', 'r0', '0000000000000000000000000000000000000000000000000000000000000000', NULL, NULL);
INSERT INTO public.prediction VALUES ('01930000-0000-7000-8000-000000000000-odd', '2026-11-30 08:15:30.00025+00', 'ünï ''x'' 😀', 1, '[]', '\x', '\x79392d3ba038353a', 0, '{"width":640,"height":480,"mode":"RGB","brightness":0.5}', '{}', 'r0', '0000000000000000000000000000000000000000000000000000000000000000', NULL, NULL);
INSERT INTO public.prediction VALUES ('01930000-0000-7000-8000-000000000001', '2026-11-30 09:15:30.00025+00', 'fashion-mnist', 1, '[["Sandal",0.75],["Bag",0.25]]', '\x276a553fb49c663e', '\x1c2bcd349034fd3a', 0.3333333333333333, '{"width":640,"height":480,"mode":"RGB","brightness":0.5}', '{"queue":0.25,"decode":1.5,"infer":2.0}', 'r0', '0000000000000000000000000000000000000000000000000000000000000001', 'file:///images/1.png', '01930000-0000-7000-8000-000000000000');
INSERT INTO public.prediction VALUES ('01930000-0000-7000-8000-000000000002', '2026-11-30 10:15:30.00025+00', 'fashion-mnist', 1, '[["Sandal",0.75],["Bag",0.25]]', '\xaca1693f8088ac3b', '\xff37923a3530603a', 0.6666666666666666, '{"width":640,"height":480,"mode":"RGB","brightness":0.5}', '{"queue":0.25,"decode":1.5,"infer":2.0}', 'r1', '0000000000000000000000000000000000000000000000000000000000000002', NULL, NULL);
INSERT INTO public.prediction VALUES ('01930000-0000-7000-8000-000000000003', '2026-11-30 11:15:30.00025+00', 'fashion-mnist', 1, '[["Sandal",0.75],["Bag",0.25]]', '\xc8e1f33d2a95ef3e', '\x883ad93477357434', 1, '{"width":640,"height":480,"mode":"RGB","brightness":0.5}', '{"queue":0.25,"decode":1.5,"infer":2.0}', 'r1', '0000000000000000000000000000000000000000000000000000000000000003', 'file:///images/3.png', NULL);
INSERT INTO public.prediction VALUES ('01930000-0000-7000-8000-000000000004', '2026-11-30 12:15:30.00025+00', 'fashion-mnist', 2, '[["Sandal",0.75],["Bag",0.25]]', '\x3e2f383f447e823e', '\xec3b1f37a6370938', 1.3333333333333333, '{"width":640,"height":480,"mode":"RGB","brightness":0.5}', '{"queue":0.25,"decode":1.5,"infer":2.0}', 'r2', '0000000000000000000000000000000000000000000000000000000000000004', NULL, NULL);
INSERT INTO public.prediction VALUES ('01930000-0000-7000-8000-000000000005', '2026-11-30 13:15:30.00025+00', 'fashion-mnist', 2, '[["Sandal",0.75],["Bag",0.25]]', '\x8821153f00b20d3f', '\x1338f73b763a573a', 1.6666666666666667, '{"width":640,"height":480,"mode":"RGB","brightness":0.5}', '{"queue":0.25,"decode":1.5,"infer":2.0}', 'r2', '0000000000000000000000000000000000000000000000000000000000000005', 'file:///images/5.png', NULL);
INSERT INTO public.prediction VALUES ('01930000-0000-7000-8000-000000000006', '2026-11-30 14:15:30.00025+00', 'fashion-mnist', 2, '[["Sandal",0.75],["Bag",0.25]]', '\x2f45333f23471f3f', '\x7535e93b7637e432', 2, '{"width":640,"height":480,"mode":"RGB","brightness":0.5}', '{"queue":0.25,"decode":1.5,"infer":2.0}', 'r3', '0000000000000000000000000000000000000000000000000000000000000006', NULL, NULL);
INSERT INTO public.retraining VALUES ('01930000-0000-7000-8000-000000000200', '01930000-0000-7000-8000-000000000100', '2026-11-30 11:15:30.00025+00', 'fashion-mnist', 2, 'command: train', 'approved', 'ann', 'it rains', '2026-11-30 11:15:30.00025+00', 0, NULL, NULL, NULL, NULL, NULL);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.drift_check
    ADD CONSTRAINT drift_check_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.feedback
    ADD CONSTRAINT feedback_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.prediction
    ADD CONSTRAINT prediction_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.retraining
    ADD CONSTRAINT retraining_pkey PRIMARY KEY (id);
CREATE INDEX drift_check_by_model ON public.drift_check USING btree (model, version, "time", id);
CREATE INDEX drift_check_by_time ON public.drift_check USING btree ("time", id);
CREATE INDEX feedback_by_prediction ON public.feedback USING btree (prediction_id, "time", id);
CREATE INDEX feedback_by_time ON public.feedback USING btree ("time");
CREATE INDEX outbox_by_key ON public.outbox USING btree (key, cooldown_from);
CREATE INDEX outbox_by_state ON public.outbox USING btree (state, "time", id);
CREATE INDEX prediction_by_image ON public.prediction USING btree (image_url) WHERE (image_url IS NOT NULL);
CREATE INDEX prediction_by_model ON public.prediction USING btree (model, version, "time", id);
CREATE INDEX prediction_by_time ON public.prediction USING btree ("time", id);
CREATE INDEX retraining_by_model ON public.retraining USING btree (model, "time", id);
CREATE INDEX retraining_by_state ON public.retraining USING btree (state, "time", id);
