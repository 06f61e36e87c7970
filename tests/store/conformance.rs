//! What every database must do. Each story is `async fn(TestDatabase)`: given, when, then.
//!
//! `conformance!(path::to::factory)` makes a test of each story for one kind of database; the
//! factory returns a fresh, empty [`fixture::TestDatabase`].

pub mod archive;
pub mod filters;
pub mod fixture;
pub mod histories;
pub mod idempotency;
pub mod kinds;
pub mod lanes;
pub mod lifecycle;
pub mod lifecycle_model;
pub mod list_pages;
pub mod lists;
pub mod many;
pub mod model;
pub mod owners;
pub mod random_histories;
pub mod request_log;
pub mod rows;
pub mod sql_random;
pub mod sql_writers;
pub mod successions;
pub mod trust;
pub mod views;
pub mod write_sets;
pub mod zoo;

macro_rules! conformance {
    ($factory:path) => {
        conformance!($factory; histories:
            a_deleted_field_is_hidden_and_kept_for_older_binaries,
            what_becomes_input_only_is_shown_by_older_binaries_only,
            a_oneof_has_one_member_whoever_writes,
            an_enum_value_goes_when_no_row_holds_it,
            an_enum_value_within_an_any_is_held_too,
            rows_decide_whether_a_field_may_be_unique_or_indexed,
            an_index_that_is_declared_twice_is_there_once,
            branches_are_merged_before_they_are_admitted,
            a_dropped_pbtable_stays_until_it_is_pruned,
            drafts_answer_to_rows_only);
        conformance!($factory; successions:
            what_lives_is_listed_by_delete_time_too,
            what_is_deleted_never_looks_alive,
            an_older_binary_still_deletes_softly,
            what_the_newest_cannot_bring_back_goes_with_a_prune,
            readers_follow_the_schema_that_asks,
            a_prune_spares_what_is_only_not_served);
        conformance!($factory; random_histories: random_histories_lose_nothing);
        conformance!($factory; rows:
            a_created_resource_reads_back,
            a_taken_key_is_refused,
            a_stale_version_is_refused_and_nothing_is_written,
            a_unique_violation_names_the_field_and_costs_nobody_else,
            a_write_set_is_all_or_nothing,
            an_update_keeps_keys_this_binary_does_not_know,
            a_deleted_resource_is_gone_and_its_version_is_not_given_again,
            checks_hold_or_refuse,
            positions_grow);
        conformance!($factory; lifecycle:
            a_soft_deletion_hides_and_an_undelete_brings_back,
            a_deleted_resource_only_waits,
            only_what_is_deleted_is_undeleted,
            unique_counts_the_living,
            what_has_children_goes_with_them_or_not_at_all,
            force_takes_the_tree_along,
            force_has_a_limit,
            nothing_lives_below_what_is_deleted,
            deletions_and_children_race_without_orphans,
            a_missing_one_may_be_deleted,
            an_upsert_creates_or_updates,
            a_purge_takes_what_is_due,
            a_purge_never_takes_what_was_undeleted,
            serialised_changes_only_grow);
        conformance!($factory; idempotency:
            a_repeated_key_is_answered_from_the_store,
            a_key_reused_for_something_else_is_refused,
            a_refused_write_set_leaves_its_key_free,
            an_operation_ends_once,
            a_replayed_key_ends_the_operation_with_the_stored_answer,
            a_failure_is_recorded_without_taking_the_key,
            a_failure_ends_with_the_answer_of_its_key,
            finished_operations_are_listed_newest_first);
        conformance!($factory; many:
            a_batch_of_a_thousand_is_one_transaction,
            one_violation_of_a_thousand_undoes_all,
            an_update_of_many_that_takes_a_value_is_named,
            a_violation_names_its_field_however_long,
            a_batch_is_bounded_in_bytes,
            a_dry_run_leaves_nothing_behind,
            dry_runs_cost_nobody_anything,
            a_dry_run_keeps_no_key_and_obeys_one,
            several_are_read_in_the_order_asked,
            at_the_limit_new_keys_are_refused_and_kept_ones_answered);
        conformance!($factory; filters:
            random_filters_agree_with_an_evaluator,
            the_deepest_filter_is_answered);
        conformance!($factory; owners:
            what_another_owns_is_not_there,
            what_another_has_taken_is_taken,
            an_owner_is_oneself_and_stays,
            members_of_a_batch_do_not_mix,
            a_forced_deletion_stops_before_others,
            two_tenants_never_meet);
        conformance!($factory; lists:
            pages_are_complete_under_ties_and_nulls,
            filters_compare_promoted_columns,
            parents_do_not_mix,
            pages_in_descending_order_end_with_nan);
        conformance!($factory; list_pages:
            pages_are_complete_while_others_write,
            names_go_down_too,
            parents_may_be_open_at_any_level,
            a_filter_that_takes_too_long_names_its_field);
        conformance!($factory; lanes:
            write_sets_on_one_resource_apply_in_order,
            a_thousand_concurrent_commits_are_all_there,
            a_full_queue_refuses,
            a_newer_schema_is_told_so,
            a_passed_deadline_writes_nothing,
            the_same_key_twice_at_once_is_in_progress_or_replayed,
            a_read_only_store_sees_what_was_committed);
        conformance!($factory; request_log:
            a_request_is_appended_once_for_its_key,
            a_claim_is_fenced_by_its_attempt,
            a_request_can_be_claimed_as_it_is_appended,
            writes_to_one_resource_are_claimed_in_order,
            one_write_of_a_batch_to_one_resource_is_claimed,
            an_append_that_is_run_again_keeps_its_claim,
            steps_of_one_batch_are_answered_one_by_one,
            a_lease_is_renewed_by_its_holder_only,
            a_decided_write_set_is_pushed_again_not_decided_again,
            a_failed_request_frees_its_key,
            what_is_given_up_is_decided_as_failed,
            faults_are_counted,
            the_backlog_counts_states,
            a_backlog_is_counted_to_a_limit);
        conformance!($factory; trust:
            an_older_binary_shows_only_its_own_fields,
            a_newer_binary_shows_older_rows,
            a_row_written_past_the_api_is_read_with_care);
        conformance!($factory; sql_random: random_statements_agree_with_a_model);
        conformance!($factory; sql_writers:
            an_inserted_row_is_a_resource,
            an_update_touches_what_it_changes,
            writers_by_sql_and_by_the_api_do_not_overwrite_each_other,
            what_may_not_be_written_is_refused,
            no_row_replaces_another,
            a_member_that_is_set_clears_the_others_from_their_index,
            a_long_text_is_written_by_sql,
            a_deletion_by_sql_follows_the_rules,
            a_view_is_read_only_unless_asked,
            a_view_that_was_writable_is_read_only_again,
            a_row_that_sql_writes_has_an_owner);
        conformance!($factory; views:
            a_view_shows_every_kind_of_field,
            what_is_absent_is_the_default_or_null,
            no_row_fails_a_query,
            an_index_serves_the_view,
            views_follow_the_newest_schema,
            what_is_not_ours_is_not_touched,
            a_draft_may_change_the_type_of_a_column);
        conformance!($factory; kinds:
            a_database_of_the_other_kind_is_refused);
        conformance!($factory; model: random_write_sets_agree_with_a_map);
        conformance!($factory; lifecycle_model: random_lives_agree_with_maps);
    };
    ($factory:path; $module:ident: $($story:ident),*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    $crate::conformance::$module::$story($factory).await;
                }
            )*
        }
    };
}
