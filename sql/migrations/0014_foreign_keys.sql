-- Power BI, Metabase and Tableau draw the star from these. The two tables with most rows a referral
-- (fact_acv_schedule, bridge_referral_tag) go without: each key costs a look-up a row, and the
-- orphan checks inside every publish cover them, as they cover dates, currencies and accounts.

alter table dw.fact_referral
  add constraint fact_referral_referral
  foreign key (referral_key) references dw.dim_referral (referral_key);
alter table dw.fact_referral
  add constraint fact_referral_customer
  foreign key (customer_key) references dw.dim_customer (customer_key);
alter table dw.fact_referral
  add constraint fact_referral_status
  foreign key (status_key) references dw.dim_status (status_key);

alter table dw.fact_referral_history
  add constraint fact_referral_history_referral
  foreign key (referral_key) references dw.dim_referral (referral_key);
alter table dw.fact_referral_history
  add constraint fact_referral_history_customer
  foreign key (customer_key) references dw.dim_customer (customer_key);
alter table dw.fact_referral_history
  add constraint fact_referral_history_status
  foreign key (status_key) references dw.dim_status (status_key);
alter table dw.fact_referral_history
  add constraint fact_referral_history_previous_status
  foreign key (previous_status_key) references dw.dim_status (status_key);

alter table dw.fact_referral_solution
  add constraint fact_referral_solution_referral
  foreign key (referral_key) references dw.dim_referral (referral_key);
alter table dw.fact_referral_solution
  add constraint fact_referral_solution_solution
  foreign key (solution_key) references dw.dim_solution (solution_key);

alter table dw.fact_registration
  add constraint fact_registration_referral
  foreign key (referral_key) references dw.dim_referral (referral_key);
alter table dw.fact_registration
  add constraint fact_registration_customer
  foreign key (customer_key) references dw.dim_customer (customer_key);

alter table dw.fact_registration_solution
  add constraint fact_registration_solution_referral
  foreign key (referral_key) references dw.dim_referral (referral_key);
alter table dw.fact_registration_solution
  add constraint fact_registration_solution_customer
  foreign key (customer_key) references dw.dim_customer (customer_key);
alter table dw.fact_registration_solution
  add constraint fact_registration_solution_solution
  foreign key (solution_key) references dw.dim_solution (solution_key);

alter table dw.fact_registration_eligibility
  add constraint fact_registration_eligibility_referral
  foreign key (referral_key) references dw.dim_referral (referral_key);

alter table dw.bridge_line_incentive
  add constraint bridge_line_incentive_referral
  foreign key (referral_key) references dw.dim_referral (referral_key);
alter table dw.bridge_line_incentive
  add constraint bridge_line_incentive_tag
  foreign key (tag_key) references dw.dim_tag (tag_key);
