-- From what a full read did not see follows what is missing: this list is evidence, and a crash of the
-- server between two pages must not shorten it. All else in stg is staged again.
alter table stg.listed_referral set logged;
