CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE asset (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	name VARCHAR(1500) NOT NULL,
	uri VARCHAR(1500) NOT NULL,
	"group" VARCHAR(1500) NOT NULL,
	extra JSON NOT NULL,
	created_at TIMESTAMP NOT NULL,
	updated_at TIMESTAMP NOT NULL
);
CREATE TABLE asset_active (
	name VARCHAR(1500) NOT NULL,
	uri VARCHAR(1500) NOT NULL,
	CONSTRAINT asset_active_pkey PRIMARY KEY (name, uri),
	CONSTRAINT asset_active_asset_name_uri_fkey FOREIGN KEY(name, uri) REFERENCES asset (name, uri) ON DELETE CASCADE
);
CREATE TABLE asset_alias (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	name VARCHAR(1500) NOT NULL,
	"group" VARCHAR(1500) NOT NULL
);
CREATE TABLE asset_dag_run_queue (
	asset_id INTEGER NOT NULL,
	target_dag_id VARCHAR(250) NOT NULL,
	created_at TIMESTAMP NOT NULL,
	CONSTRAINT assetdagrunqueue_pkey PRIMARY KEY (asset_id, target_dag_id),
	CONSTRAINT adrq_asset_fkey FOREIGN KEY(asset_id) REFERENCES asset (id) ON DELETE CASCADE,
	CONSTRAINT adrq_dag_fkey FOREIGN KEY(target_dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
CREATE TABLE asset_event (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	asset_id INTEGER NOT NULL,
	extra JSON NOT NULL,
	source_task_id VARCHAR(250),
	source_dag_id VARCHAR(250),
	source_run_id VARCHAR(250),
	source_map_index INTEGER DEFAULT (-1),
	timestamp TIMESTAMP NOT NULL
);
CREATE TABLE backfill (
	id INTEGER NOT NULL,
	dag_id VARCHAR(250) NOT NULL,
	from_date TIMESTAMP NOT NULL,
	to_date TIMESTAMP NOT NULL,
	dag_run_conf JSON NOT NULL,
	is_paused BOOLEAN,
	reprocess_behavior VARCHAR(250) NOT NULL,
	max_active_runs INTEGER NOT NULL,
	created_at TIMESTAMP NOT NULL,
	completed_at TIMESTAMP,
	updated_at TIMESTAMP NOT NULL,
	triggering_user_name VARCHAR(512),
	CONSTRAINT backfill_pkey PRIMARY KEY (id)
);
CREATE TABLE backfill_dag_run (
	id INTEGER NOT NULL,
	backfill_id INTEGER NOT NULL,
	dag_run_id INTEGER,
	exception_reason VARCHAR(250),
	logical_date TIMESTAMP NOT NULL,
	sort_ordinal INTEGER NOT NULL,
	CONSTRAINT backfill_dag_run_pkey PRIMARY KEY (id),
	CONSTRAINT ix_bdr_backfill_id_dag_run_id UNIQUE (backfill_id, dag_run_id),
	CONSTRAINT bdr_backfill_fkey FOREIGN KEY(backfill_id) REFERENCES backfill (id) ON DELETE cascade,
	CONSTRAINT bdr_dag_run_fkey FOREIGN KEY(dag_run_id) REFERENCES dag_run (id) ON DELETE set null
);
CREATE TABLE dag (
	dag_id VARCHAR(250) NOT NULL,
	is_paused BOOLEAN,
	is_stale BOOLEAN,
	last_parsed_time TIMESTAMP,
	last_parse_duration FLOAT,
	last_expired TIMESTAMP,
	fileloc VARCHAR(2000),
	relative_fileloc VARCHAR(2000),
	bundle_name VARCHAR(250) NOT NULL,
	bundle_version VARCHAR(200),
	owners VARCHAR(2000),
	dag_display_name VARCHAR(2000),
	description TEXT,
	timetable_summary TEXT,
	timetable_description VARCHAR(1000),
	asset_expression JSON,
	deadline JSON,
	max_active_tasks INTEGER NOT NULL,
	max_active_runs INTEGER,
	max_consecutive_failed_dag_runs INTEGER NOT NULL,
	has_task_concurrency_limits BOOLEAN NOT NULL,
	has_import_errors BOOLEAN DEFAULT '0',
	next_dagrun TIMESTAMP,
	next_dagrun_data_interval_start TIMESTAMP,
	next_dagrun_data_interval_end TIMESTAMP,
	next_dagrun_create_after TIMESTAMP,
	CONSTRAINT dag_pkey PRIMARY KEY (dag_id),
	CONSTRAINT dag_bundle_name_fkey FOREIGN KEY(bundle_name) REFERENCES dag_bundle (name)
);
CREATE TABLE dag_bundle (
	name VARCHAR(250) NOT NULL,
	active BOOLEAN,
	version VARCHAR(200),
	last_refreshed TIMESTAMP,
	signed_url_template TEXT,
	template_params TEXT,
	CONSTRAINT dag_bundle_pkey PRIMARY KEY (name)
);
CREATE TABLE dag_code (
	id CHAR(32) NOT NULL,
	dag_id VARCHAR(250) NOT NULL,
	fileloc VARCHAR(2000) NOT NULL,
	created_at TIMESTAMP NOT NULL,
	last_updated TIMESTAMP NOT NULL,
	source_code TEXT NOT NULL,
	source_code_hash VARCHAR(32) NOT NULL,
	dag_version_id CHAR(32) NOT NULL,
	CONSTRAINT dag_code_pkey PRIMARY KEY (id),
	CONSTRAINT dag_code_dag_version_id_uq UNIQUE (dag_version_id),
	CONSTRAINT dag_code_dag_version_id_fkey FOREIGN KEY(dag_version_id) REFERENCES dag_version (id) ON DELETE CASCADE
);
CREATE TABLE dag_owner_attributes (
	dag_id VARCHAR(250) NOT NULL,
	owner VARCHAR(500) NOT NULL,
	link VARCHAR(500) NOT NULL,
	CONSTRAINT dag_owner_attributes_pkey PRIMARY KEY (dag_id, owner),
	CONSTRAINT "dag.dag_id" FOREIGN KEY(dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
CREATE TABLE dag_run (
	id INTEGER NOT NULL,
	dag_id VARCHAR(250) NOT NULL,
	queued_at TIMESTAMP,
	logical_date TIMESTAMP,
	start_date TIMESTAMP,
	end_date TIMESTAMP,
	state VARCHAR(50),
	run_id VARCHAR(250) NOT NULL,
	creating_job_id INTEGER,
	run_type VARCHAR(50) NOT NULL,
	triggered_by VARCHAR(50),
	triggering_user_name VARCHAR(512),
	conf JSON,
	data_interval_start TIMESTAMP,
	data_interval_end TIMESTAMP,
	run_after TIMESTAMP NOT NULL,
	last_scheduling_decision TIMESTAMP,
	log_template_id INTEGER,
	updated_at TIMESTAMP,
	clear_number INTEGER DEFAULT '0' NOT NULL,
	backfill_id INTEGER,
	bundle_version VARCHAR(250),
	scheduled_by_job_id INTEGER,
	context_carrier JSON,
	span_status VARCHAR(250) DEFAULT 'not_started' NOT NULL,
	created_dag_version_id CHAR(32),
	CONSTRAINT dag_run_pkey PRIMARY KEY (id),
	CONSTRAINT dag_run_dag_id_run_id_key UNIQUE (dag_id, run_id),
	CONSTRAINT dag_run_dag_id_logical_date_key UNIQUE (dag_id, logical_date),
	CONSTRAINT task_instance_log_template_id_fkey FOREIGN KEY(log_template_id) REFERENCES log_template (id) ON DELETE NO ACTION,
	CONSTRAINT dag_run_backfill_id_fkey FOREIGN KEY(backfill_id) REFERENCES backfill (id),
	CONSTRAINT created_dag_version_id_fkey FOREIGN KEY(created_dag_version_id) REFERENCES dag_version (id) ON DELETE set null
);
CREATE TABLE dag_run_note (
	user_id VARCHAR(128),
	dag_run_id INTEGER NOT NULL,
	content VARCHAR(1000),
	created_at TIMESTAMP NOT NULL,
	updated_at TIMESTAMP NOT NULL,
	CONSTRAINT dag_run_note_pkey PRIMARY KEY (dag_run_id),
	CONSTRAINT dag_run_note_dr_fkey FOREIGN KEY(dag_run_id) REFERENCES dag_run (id) ON DELETE CASCADE
);
CREATE TABLE dag_schedule_asset_alias_reference (
	alias_id INTEGER NOT NULL,
	dag_id VARCHAR(250) NOT NULL,
	created_at TIMESTAMP NOT NULL,
	updated_at TIMESTAMP NOT NULL,
	CONSTRAINT dsaar_pkey PRIMARY KEY (alias_id, dag_id),
	CONSTRAINT dsaar_asset_alias_fkey FOREIGN KEY(alias_id) REFERENCES asset_alias (id) ON DELETE CASCADE,
	CONSTRAINT dsaar_dag_id_fkey FOREIGN KEY(dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
CREATE TABLE dag_schedule_asset_name_reference (
	name VARCHAR(1500) NOT NULL,
	dag_id VARCHAR(250) NOT NULL,
	created_at TIMESTAMP NOT NULL,
	CONSTRAINT dsanr_pkey PRIMARY KEY (name, dag_id),
	CONSTRAINT dsanr_dag_id_fkey FOREIGN KEY(dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
CREATE TABLE dag_schedule_asset_reference (
	asset_id INTEGER NOT NULL,
	dag_id VARCHAR(250) NOT NULL,
	created_at TIMESTAMP NOT NULL,
	updated_at TIMESTAMP NOT NULL,
	CONSTRAINT dsar_pkey PRIMARY KEY (asset_id, dag_id),
	CONSTRAINT dsar_asset_fkey FOREIGN KEY(asset_id) REFERENCES asset (id) ON DELETE CASCADE,
	CONSTRAINT dsar_dag_id_fkey FOREIGN KEY(dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
CREATE TABLE dag_schedule_asset_uri_reference (
	uri VARCHAR(1500) NOT NULL,
	dag_id VARCHAR(250) NOT NULL,
	created_at TIMESTAMP NOT NULL,
	CONSTRAINT dsaur_pkey PRIMARY KEY (uri, dag_id),
	CONSTRAINT dsaur_dag_id_fkey FOREIGN KEY(dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
CREATE TABLE dag_tag (
	name VARCHAR(100) NOT NULL,
	dag_id VARCHAR(250) NOT NULL,
	CONSTRAINT dag_tag_pkey PRIMARY KEY (name, dag_id),
	CONSTRAINT dag_tag_dag_id_fkey FOREIGN KEY(dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
CREATE TABLE dag_version (
	id CHAR(32) NOT NULL,
	version_number INTEGER NOT NULL,
	dag_id VARCHAR(250) NOT NULL,
	bundle_name VARCHAR(250),
	bundle_version VARCHAR(250),
	created_at TIMESTAMP NOT NULL,
	last_updated TIMESTAMP NOT NULL,
	CONSTRAINT dag_version_pkey PRIMARY KEY (id),
	CONSTRAINT dag_id_v_name_v_number_unique_constraint UNIQUE (dag_id, version_number),
	CONSTRAINT dag_version_dag_id_fkey FOREIGN KEY(dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
CREATE TABLE dag_warning (
	dag_id VARCHAR(250) NOT NULL,
	warning_type VARCHAR(50) NOT NULL,
	message TEXT NOT NULL,
	timestamp TIMESTAMP NOT NULL,
	CONSTRAINT dag_warning_pkey PRIMARY KEY (dag_id, warning_type),
	CONSTRAINT dcw_dag_id_fkey FOREIGN KEY(dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
CREATE TABLE dagrun_asset_event (
	dag_run_id INTEGER NOT NULL,
	event_id INTEGER NOT NULL,
	CONSTRAINT dagrun_asset_event_pkey PRIMARY KEY (dag_run_id, event_id),
	CONSTRAINT dagrun_asset_event_dag_run_id_fkey FOREIGN KEY(dag_run_id) REFERENCES dag_run (id) ON DELETE CASCADE,
	CONSTRAINT dagrun_asset_event_event_id_fkey FOREIGN KEY(event_id) REFERENCES asset_event (id) ON DELETE CASCADE
);
CREATE TABLE deadline (
	id CHAR(32) NOT NULL,
	dagrun_id INTEGER,
	deadline_time TIMESTAMP NOT NULL,
	callback JSON NOT NULL,
	callback_state VARCHAR(20),
	trigger_id INTEGER,
	CONSTRAINT deadline_pkey PRIMARY KEY (id),
	CONSTRAINT deadline_dagrun_id_fkey FOREIGN KEY(dagrun_id) REFERENCES dag_run (id) ON DELETE CASCADE,
	CONSTRAINT deadline_trigger_id_fkey FOREIGN KEY(trigger_id) REFERENCES "trigger" (id)
);
CREATE TABLE import_error (
	id INTEGER NOT NULL,
	timestamp TIMESTAMP,
	filename VARCHAR(1024),
	bundle_name VARCHAR(250),
	stacktrace TEXT,
	CONSTRAINT import_error_pkey PRIMARY KEY (id)
);
CREATE TABLE job (
	id INTEGER NOT NULL,
	dag_id VARCHAR(250),
	state VARCHAR(20),
	job_type VARCHAR(30),
	start_date TIMESTAMP,
	end_date TIMESTAMP,
	latest_heartbeat TIMESTAMP,
	executor_class VARCHAR(500),
	hostname VARCHAR(500),
	unixname VARCHAR(1000),
	CONSTRAINT job_pkey PRIMARY KEY (id)
);
CREATE TABLE log (
	id INTEGER NOT NULL,
	dttm TIMESTAMP,
	dag_id VARCHAR(250),
	task_id VARCHAR(250),
	map_index INTEGER,
	event VARCHAR(60),
	logical_date TIMESTAMP,
	run_id VARCHAR(250),
	owner VARCHAR(500),
	owner_display_name VARCHAR(500),
	extra TEXT,
	try_number INTEGER,
	CONSTRAINT log_pkey PRIMARY KEY (id)
);
CREATE TABLE log_template (
	id INTEGER NOT NULL,
	filename TEXT NOT NULL,
	elasticsearch_id TEXT NOT NULL,
	created_at TIMESTAMP NOT NULL,
	CONSTRAINT log_template_pkey PRIMARY KEY (id)
);
CREATE TABLE serialized_dag (
	id CHAR(32) NOT NULL,
	dag_id VARCHAR(250) NOT NULL,
	data JSON,
	data_compressed BLOB,
	created_at TIMESTAMP NOT NULL,
	last_updated TIMESTAMP NOT NULL,
	dag_hash VARCHAR(32) NOT NULL,
	dag_version_id CHAR(32) NOT NULL,
	CONSTRAINT serialized_dag_pkey PRIMARY KEY (id),
	CONSTRAINT serialized_dag_dag_version_id_uq UNIQUE (dag_version_id),
	CONSTRAINT serialized_dag_dag_version_id_fkey FOREIGN KEY(dag_version_id) REFERENCES dag_version (id) ON DELETE CASCADE
);
CREATE TABLE slot_pool (
	id INTEGER NOT NULL,
	pool VARCHAR(256),
	slots INTEGER,
	description TEXT,
	include_deferred BOOLEAN NOT NULL,
	team_id CHAR(32),
	CONSTRAINT slot_pool_pkey PRIMARY KEY (id),
	CONSTRAINT slot_pool_pool_uq UNIQUE (pool),
	CONSTRAINT slot_pool_team_id_fkey FOREIGN KEY(team_id) REFERENCES team (id)
);
CREATE TABLE task_inlet_asset_reference (
	asset_id INTEGER NOT NULL,
	dag_id VARCHAR(250) NOT NULL,
	task_id VARCHAR(250) NOT NULL,
	created_at TIMESTAMP NOT NULL,
	updated_at TIMESTAMP NOT NULL,
	CONSTRAINT tiar_pkey PRIMARY KEY (asset_id, dag_id, task_id),
	CONSTRAINT tiar_asset_fkey FOREIGN KEY(asset_id) REFERENCES asset (id) ON DELETE CASCADE,
	CONSTRAINT tiar_dag_id_fkey FOREIGN KEY(dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
CREATE TABLE task_instance (
	id VARCHAR(36) NOT NULL,
	task_id VARCHAR(250) NOT NULL,
	dag_id VARCHAR(250) NOT NULL,
	run_id VARCHAR(250) NOT NULL,
	map_index INTEGER DEFAULT (-1) NOT NULL,
	start_date TIMESTAMP,
	end_date TIMESTAMP,
	duration FLOAT,
	state VARCHAR(20),
	try_number INTEGER,
	max_tries INTEGER DEFAULT (-1),
	hostname VARCHAR(1000),
	unixname VARCHAR(1000),
	pool VARCHAR(256) NOT NULL,
	pool_slots INTEGER NOT NULL,
	queue VARCHAR(256),
	priority_weight INTEGER,
	operator VARCHAR(1000),
	custom_operator_name VARCHAR(1000),
	queued_dttm TIMESTAMP,
	scheduled_dttm TIMESTAMP,
	queued_by_job_id INTEGER,
	last_heartbeat_at TIMESTAMP,
	pid INTEGER,
	executor VARCHAR(1000),
	executor_config BLOB,
	updated_at TIMESTAMP,
	rendered_map_index VARCHAR(250),
	context_carrier JSON,
	span_status VARCHAR(250) DEFAULT 'not_started' NOT NULL,
	external_executor_id VARCHAR(250),
	trigger_id INTEGER,
	trigger_timeout TIMESTAMP,
	next_method VARCHAR(1000),
	next_kwargs JSON,
	task_display_name VARCHAR(2000),
	dag_version_id CHAR(32),
	CONSTRAINT task_instance_pkey PRIMARY KEY (id),
	CONSTRAINT task_instance_composite_key UNIQUE (dag_id, task_id, run_id, map_index),
	CONSTRAINT task_instance_trigger_id_fkey FOREIGN KEY(trigger_id) REFERENCES "trigger" (id) ON DELETE CASCADE,
	CONSTRAINT task_instance_dag_run_fkey FOREIGN KEY(dag_id, run_id) REFERENCES dag_run (dag_id, run_id) ON DELETE CASCADE,
	CONSTRAINT task_instance_dag_version_id_fkey FOREIGN KEY(dag_version_id) REFERENCES dag_version (id) ON DELETE RESTRICT
);
CREATE TABLE task_instance_history (
	task_instance_id VARCHAR(36) NOT NULL,
	task_id VARCHAR(250) NOT NULL,
	dag_id VARCHAR(250) NOT NULL,
	run_id VARCHAR(250) NOT NULL,
	map_index INTEGER DEFAULT (-1) NOT NULL,
	try_number INTEGER NOT NULL,
	start_date TIMESTAMP,
	end_date TIMESTAMP,
	duration FLOAT,
	state VARCHAR(20),
	max_tries INTEGER DEFAULT (-1),
	hostname VARCHAR(1000),
	unixname VARCHAR(1000),
	pool VARCHAR(256) NOT NULL,
	pool_slots INTEGER NOT NULL,
	queue VARCHAR(256),
	priority_weight INTEGER,
	operator VARCHAR(1000),
	custom_operator_name VARCHAR(1000),
	queued_dttm TIMESTAMP,
	scheduled_dttm TIMESTAMP,
	queued_by_job_id INTEGER,
	pid INTEGER,
	executor VARCHAR(1000),
	executor_config BLOB,
	updated_at TIMESTAMP,
	rendered_map_index VARCHAR(250),
	context_carrier JSON,
	span_status VARCHAR(250) DEFAULT 'not_started' NOT NULL,
	external_executor_id VARCHAR(250),
	trigger_id INTEGER,
	trigger_timeout DATETIME,
	next_method VARCHAR(1000),
	next_kwargs JSON,
	task_display_name VARCHAR(2000),
	dag_version_id CHAR(32),
	CONSTRAINT task_instance_history_pkey PRIMARY KEY (task_instance_id),
	CONSTRAINT task_instance_history_ti_fkey FOREIGN KEY(dag_id, task_id, run_id, map_index) REFERENCES task_instance (dag_id, task_id, run_id, map_index) ON DELETE CASCADE ON UPDATE CASCADE,
	CONSTRAINT task_instance_history_dtrt_uq UNIQUE (dag_id, task_id, run_id, map_index, try_number)
);
CREATE TABLE task_instance_note (
	ti_id VARCHAR(36) NOT NULL,
	user_id VARCHAR(128),
	content VARCHAR(1000),
	created_at TIMESTAMP NOT NULL,
	updated_at TIMESTAMP NOT NULL,
	CONSTRAINT task_instance_note_pkey PRIMARY KEY (ti_id),
	CONSTRAINT task_instance_note_ti_fkey FOREIGN KEY(ti_id) REFERENCES task_instance (id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE task_map (
	dag_id VARCHAR(250) NOT NULL,
	task_id VARCHAR(250) NOT NULL,
	run_id VARCHAR(250) NOT NULL,
	map_index INTEGER NOT NULL,
	length INTEGER NOT NULL,
	keys JSON,
	CONSTRAINT task_map_pkey PRIMARY KEY (dag_id, task_id, run_id, map_index),
	CONSTRAINT ck_task_map_task_map_length_not_negative CHECK (length >= 0),
	CONSTRAINT task_map_task_instance_fkey FOREIGN KEY(dag_id, task_id, run_id, map_index) REFERENCES task_instance (dag_id, task_id, run_id, map_index) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE task_outlet_asset_reference (
	asset_id INTEGER NOT NULL,
	dag_id VARCHAR(250) NOT NULL,
	task_id VARCHAR(250) NOT NULL,
	created_at TIMESTAMP NOT NULL,
	updated_at TIMESTAMP NOT NULL,
	CONSTRAINT toar_pkey PRIMARY KEY (asset_id, dag_id, task_id),
	CONSTRAINT toar_asset_fkey FOREIGN KEY(asset_id) REFERENCES asset (id) ON DELETE CASCADE,
	CONSTRAINT toar_dag_id_fkey FOREIGN KEY(dag_id) REFERENCES dag (dag_id) ON DELETE CASCADE
);
CREATE TABLE task_reschedule (
	id INTEGER NOT NULL,
	ti_id VARCHAR(36) NOT NULL,
	start_date TIMESTAMP NOT NULL,
	end_date TIMESTAMP NOT NULL,
	duration INTEGER NOT NULL,
	reschedule_date TIMESTAMP NOT NULL,
	CONSTRAINT task_reschedule_pkey PRIMARY KEY (id),
	CONSTRAINT task_reschedule_ti_fkey FOREIGN KEY(ti_id) REFERENCES task_instance (id) ON DELETE CASCADE
);
CREATE TABLE team (
	id CHAR(32) NOT NULL,
	name VARCHAR(50) NOT NULL,
	CONSTRAINT team_pkey PRIMARY KEY (id),
	CONSTRAINT team_name_uq UNIQUE (name)
);
CREATE TABLE "trigger" (
	id INTEGER NOT NULL,
	classpath VARCHAR(1000) NOT NULL,
	kwargs TEXT NOT NULL,
	created_date TIMESTAMP NOT NULL,
	triggerer_id INTEGER,
	CONSTRAINT trigger_pkey PRIMARY KEY (id)
);
-- after the rows
CREATE UNIQUE INDEX idx_asset_name_uri_unique ON asset (name, uri);
CREATE UNIQUE INDEX idx_asset_active_name_unique ON asset_active (name);
CREATE UNIQUE INDEX idx_asset_active_uri_unique ON asset_active (uri);
CREATE UNIQUE INDEX idx_asset_alias_name_unique ON asset_alias (name);
CREATE INDEX idx_asset_dag_run_queue_target_dag_id ON asset_dag_run_queue (target_dag_id);
CREATE INDEX idx_asset_id_timestamp ON asset_event (asset_id, timestamp);
CREATE INDEX idx_next_dagrun_create_after ON dag (next_dagrun_create_after);
CREATE INDEX dag_id_state ON dag_run (dag_id, state);
CREATE INDEX idx_dag_run_dag_id ON dag_run (dag_id);
CREATE INDEX idx_dag_run_queued_dags ON dag_run (state, dag_id) WHERE state='queued';
CREATE INDEX idx_dag_run_run_after ON dag_run (run_after);
CREATE INDEX idx_dag_run_running_dags ON dag_run (state, dag_id) WHERE state='running';
CREATE INDEX idx_dag_schedule_asset_alias_reference_dag_id ON dag_schedule_asset_alias_reference (dag_id);
CREATE INDEX idx_dag_schedule_asset_name_reference_dag_id ON dag_schedule_asset_name_reference (dag_id);
CREATE INDEX idx_dag_schedule_asset_reference_dag_id ON dag_schedule_asset_reference (dag_id);
CREATE INDEX idx_dag_schedule_asset_uri_reference_dag_id ON dag_schedule_asset_uri_reference (dag_id);
CREATE INDEX idx_dag_tag_dag_id ON dag_tag (dag_id);
CREATE INDEX idx_dag_warning_dag_id ON dag_warning (dag_id);
CREATE INDEX idx_dagrun_asset_events_dag_run_id ON dagrun_asset_event (dag_run_id);
CREATE INDEX idx_dagrun_asset_events_event_id ON dagrun_asset_event (event_id);
CREATE INDEX deadline_callback_state_time_idx ON deadline (callback_state, deadline_time);
CREATE INDEX idx_job_dag_id ON job (dag_id);
CREATE INDEX idx_job_state_heartbeat ON job (state, latest_heartbeat);
CREATE INDEX job_type_heart ON job (job_type, latest_heartbeat);
CREATE INDEX idx_log_dttm ON log (dttm);
CREATE INDEX idx_log_event ON log (event);
CREATE INDEX idx_log_task_instance ON log (dag_id, task_id, run_id, map_index, try_number);
CREATE INDEX idx_task_inlet_asset_reference_dag_id ON task_inlet_asset_reference (dag_id);
CREATE INDEX ti_dag_run ON task_instance (dag_id, run_id);
CREATE INDEX ti_dag_state ON task_instance (dag_id, state);
CREATE INDEX ti_heartbeat ON task_instance (last_heartbeat_at);
CREATE INDEX ti_pool ON task_instance (pool, state, priority_weight);
CREATE INDEX ti_state ON task_instance (state);
CREATE INDEX ti_state_lkp ON task_instance (dag_id, task_id, run_id, state);
CREATE INDEX ti_trigger_id ON task_instance (trigger_id);
CREATE INDEX idx_tih_dag_run ON task_instance_history (dag_id, run_id);
CREATE INDEX idx_task_outlet_asset_reference_dag_id ON task_outlet_asset_reference (dag_id);
CREATE INDEX idx_task_reschedule_ti_id_id_desc ON task_reschedule (ti_id, id DESC);
