//! The public codes: what a skip, a hold, a failure, a notice or a problem is called in JSON, history and reports.
//!
//! A code is never used again for something else. Its text stays with it: what it means, and what to do.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($group:literal { $($name:ident = $code:literal, $meaning:literal, $remedy:literal;)* })*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($($name,)*)*
        }

        impl Code {
            pub const ALL: &[Self] = &[$($(Self::$name,)*)*];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $($(Self::$name => $code,)*)*
                }
            }

            /// Whether somebody has to do something about it that no later run does by itself: what stands in a list of
            /// things to do.
            pub const fn needs_a_hand(self) -> bool {
                matches!(
                    self,
                    Self::HireDateMoved
                        | Self::LastDayMoved
                        | Self::HireCalledOff
                        | Self::LeaverStays
                        | Self::EventMissed
                        | Self::RequestInDoubt
                        | Self::LeavingDateWithdrawn
                        | Self::LeavingDateMovedAfterLeaving
                        | Self::LateLeavingDate
                        | Self::ByHand
                        | Self::NothingConfirmed
                        | Self::NotConverging
                        | Self::NotStored
                        | Self::ApprovalExpired
                        | Self::ApprovalNotEnough
                        | Self::ApprovalOutdated
                        | Self::ApprovalExpiring
                        | Self::Handover
                        | Self::KeyOwnerLeaves
                        | Self::ManagerLeaves
                        | Self::DetailsMissing
                )
            }

            /// What it is about, as a heading.
            pub const fn group(self) -> &'static str {
                match self {
                    $($(Self::$name => $group,)*)*
                }
            }

            /// What it means, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $($(Self::$name => $meaning,)*)*
                }
            }

            /// What to do about it, in a sentence.
            pub const fn remedy(self) -> &'static str {
                match self {
                    $($(Self::$name => $remedy,)*)*
                }
            }
        }
    };
}

codes! {
    "People who are left out" {
        MatchKeyMissing = "match_key_missing",
            "The employee has no value in any of the `match` fields.",
            "Enter the value in Personio, or add a field to `match`.";
        MatchKeyShared = "match_key_shared",
            "Two employees have the same match key.",
            "Correct the value of one of them in Personio, or say whose account it is with `personio-sync link EMPLOYEE TARGET ACCOUNT`.";
        MatchKeyHidden = "match_key_hidden",
            "The match key comes from an attribute that the credential may not read.",
            "Tick the attribute for the API credential in Personio, under Readable employee attributes.";
        SeveralAccounts = "several_accounts",
            "Several accounts in the target fit one employee.",
            "Merge the accounts in the target, or say which one counts with `personio-sync link EMPLOYEE TARGET ACCOUNT`.";
        AccountTaken = "account_taken",
            "The account that fits belongs to another employee.",
            "Look at both with `personio-sync explain EMPLOYEE`: it shows whose account it is, and why.";
        AccountClaimed = "account_claimed",
            "The account would be deactivated, but another employee in scope has its key.",
            "Look at both people with `personio-sync explain EMPLOYEE`, and say whose account it is with `personio-sync link EMPLOYEE TARGET ACCOUNT`.";
        AccountRefused = "account_refused",
            "Somebody said with `unlink` that this account is not the employee's, so a new one is created.",
            "If it is theirs after all, use `personio-sync link EMPLOYEE TARGET ACCOUNT`.";
        AccountNotDelivered = "account_not_delivered",
            "The linked account is not in the target's list, and asking for it by id does not show that it is gone.",
            "Run again; if it stays, look for the account in the target.";
        AccountIsAgent = "account_is_agent",
            "The account is an agent in the target, and agents are changed only where the file says so.",
            "Change agents by hand in the target, set `agents = \"update\"`, or leave them out with `exclude`.";
        AccountOwnsTheKey = "account_owns_the_key",
            "The account owns the key that this tool signs in with.",
            "Change it by hand in the target, or leave it out with `exclude`.";
        AccountProtected = "account_protected",
            "`protect` in the file names the account.",
            "Change it by hand in the target, or take it out of `protect`.";
        AccountManagedElsewhere = "account_managed_elsewhere",
            "The target says that another system manages the account.",
            "Change it in that system.";
        AccountUnreadable = "account_unreadable",
            "Part of the account could not be read, so nobody can say what a change would do.",
            "Look at the account in the target, then run again.";
        TwoRecords = "two_records",
            "Personio delivers two different records with the same employee id, and nobody can tell which is right.",
            "Check the employee in Personio and run again; if it stays, ask Personio's support.";
        LifecycleHidden = "lifecycle_hidden",
            "The credential may not read an attribute that tells who has left.",
            "Tick the attribute for the API credential in Personio, under Readable employee attributes.";
        FilterHidden = "filter_hidden",
            "A filter needs an attribute that the credential may not read.",
            "Tick the attribute for the API credential in Personio, under Readable employee attributes, or change the filter.";
        FilterInvalid = "filter_invalid",
            "A filter cannot be evaluated for the employee.",
            "Correct the filter, or the value in Personio.";
        InSeveralTargets = "in_several_targets",
            "The employee is in scope of several targets of the same group.",
            "Change the filters so that each employee is in one target of the group.";
        InNoTargetOfGroup = "in_no_target_of_group",
            "The employee is in scope of none of the targets of a group.",
            "If one of these targets should have them, change its filters.";
        FieldEmpty = "field_empty",
            "A field that must have a value has none.",
            "Enter the value in Personio.";
        FieldInvalid = "field_invalid",
            "The mapping gives a value that the field does not accept.",
            "Correct the value in Personio, or say in the mapping what to do with an invalid one (`on_invalid`).";
        FieldHidden = "field_hidden",
            "A field comes from an attribute that the credential may not read.",
            "Tick the attribute for the API credential in Personio, under Readable employee attributes.";
        RequiredFieldEmpty = "required_field_empty",
            "The target requires a field of new accounts that has no value.",
            "Enter the value in Personio.";
        CannotCreate = "cannot_create",
            "This tool cannot create accounts in the target.",
            "Create the account in the target by hand; the next run finds it.";
        CannotDeactivate = "cannot_deactivate",
            "This tool cannot deactivate accounts in the target.",
            "Deactivate the account in the target by hand.";
        CannotReactivate = "cannot_reactivate",
            "This tool cannot reactivate accounts in the target.",
            "Reactivate the account in the target by hand.";
        Pending = "pending",
            "The target accepted the change and carries it out in its own time.",
            "Nothing needs to be done: the next run looks again.";
        WorkflowUnclear = "workflow_unclear",
            "A condition of a workflow cannot be evaluated for the employee.",
            "Correct the condition, or tick the attribute that it needs for the API credential in Personio.";
        HireDateMissing = "hire_date_missing",
            "There is no hire date.",
            "Enter the hire date in Personio; a hire that was called off needs none.";
        EmployeeIdUsed = "employee_id_used",
            "Another record in the target has the same staff number.",
            "Give the new employment a staff number of its own in Personio.";
        EmailUsed = "email_used",
            "Another record in the target has the same e-mail address, which must be unique.",
            "Give one of the two another address.";
        InactiveWithoutLastDay = "inactive_without_last_day",
            "The status is inactive, and there is no last day.",
            "Enter the last day in Personio.";
        InactiveWithoutLeavingDate = "inactive_without_leaving_date",
            "The status is inactive, and there is no leaving date.",
            "Enter the last day in Personio.";
        LeftBeforeImport = "left_before_import",
            "The employee left without ever having been in the target, so there is nothing to end.",
            "Nothing needs to be done.";
        RejoinerNeedsNewId = "rejoiner_needs_new_id",
            "Somebody who left payroll is back, which needs a new record.",
            "Give the new employment a staff number of its own in Personio.";
        TerminatedInPreviousTaxYear = "terminated_in_previous_tax_year",
            "The employment ended in an earlier tax year.",
            "Nothing needs to be done.";
    }
    "What a safety rail holds" {
        MaxDeactivate = "max_deactivate",
            "More accounts would be deactivated than the limit allows.",
            "Look at them with `personio-sync held`; if they are right, `approve` them, or run sync with `--accept-removals` and their number.";
        MaxCreate = "max_create",
            "More accounts would be created than the limit allows.",
            "Look at them with `personio-sync held`; if they are right, `approve` them, or raise `max_create`.";
        MaxUpdate = "max_update",
            "More accounts would be changed than the limit allows.",
            "Look at them with `personio-sync held`; if they are right, `approve` them, or raise `max_update`.";
        MaxClear = "max_clear",
            "More fields would be emptied than the limit allows.",
            "Look at them with `personio-sync held`; if they are right, `approve` them, or raise `max_clear`.";
        MaxFieldShare = "max_field_share",
            "One field would change for more people than the limit allows.",
            "Check whether its mapping was changed; if the values are right, `approve` the changes.";
        MaxGroupShare = "max_group_share",
            "A group or channel would lose more of its members than the limit allows.",
            "Check its rule; if it is right, `approve` the changes.";
        GroupEmptied = "group_emptied",
            "A group or channel would lose all of its members.",
            "Check its rule; if it is right, `approve` the changes.";
        FirstRun = "first_run",
            "The first run against a target that has accounts removes nobody.",
            "Look at the links that the first run makes, and run again.";
        SourceUnproven = "source_unproven",
            "What Personio delivered is not proven complete, so nobody is removed because of it.",
            "What Personio delivered is in doubt, not who is concerned: read the note about Personio's answer, and run again.";
        TargetUnproven = "target_unproven",
            "What the target listed is not proven complete, so nobody is removed because of it.",
            "What the target listed is in doubt, not who is concerned: read the note about the target, and run again.";
        FiltersChanged = "filters_changed",
            "The filters were changed since the last run, and people leave the scope because of it.",
            "Check who is affected, then `approve` them, or run sync with `--accept-filter-change`.";
        AccountsGone = "accounts_gone",
            "More linked accounts are missing from the target than usual.",
            "Check in the target whether somebody deleted them or its list is cut off; if they are really gone, `approve` the changes.";
        Handover = "handover",
            "An account would pass from one employee id to another, on too little evidence.",
            "Check whether both profiles are the same person's; if they are, `approve` it, or use `personio-sync link EMPLOYEE TARGET ACCOUNT`.";
        Budget = "budget",
            "The change does not fit into what is left of the budget.",
            "Wait for the budget's next period, or raise its `tasks`.";
    }
    "What became of changes" {
        Left = "left",
            "The last day has passed, or the status is inactive.",
            "Correct the last day or the status in Personio if that is wrong.";
        OutOfScope = "out_of_scope",
            "The employee no longer matches the filters.",
            "Correct the filters, or the attributes in Personio, if that is wrong.";
        Missing = "missing",
            "Personio no longer delivers the employee.",
            "Look for the employee in Personio; the credential may have lost the right to see them.";
        Refused = "refused",
            "The target refused the change.",
            "Read what the target says about the field, correct it in Personio or in the mapping, then retry.";
        AlreadyExists = "already_exists",
            "Another account has the same key.",
            "Merge or rename it in the target, then retry.";
        AccountNotFound = "account_not_found",
            "The account is gone.",
            "Nothing needs to be done: the next run plans anew.";
        SignInRefused = "sign_in_refused",
            "The target refused the sign-in.",
            "Check the target's key: it may have been revoked, or its owner may have been deactivated.";
        RightMissing = "right_missing",
            "The key lacks a permission.",
            "Give the owner of the key the permission that the message names, then retry.";
        Unavailable = "unavailable",
            "Personio, the target or the state could not be reached.",
            "The next run tries again. If it stays so, check the address in the file, and whether the service answers at all.";
        ChangedMeanwhile = "changed_meanwhile",
            "Somebody else changed the same record during the run.",
            "Nothing needs to be done: the next run plans anew.";
        OutcomeUnknown = "outcome_unknown",
            "The answer was lost, so nobody knows whether the change was made.",
            "Nothing needs to be done: the next run looks before it writes.";
        UnexpectedAnswer = "unexpected_answer",
            "The target gave an answer that does not fit its interface.",
            "Check the target's address; if it is right, retry later.";
        StillInUse = "still_in_use",
            "The target confirmed the change, but the account is still in use.",
            "Deactivate the account there by hand, and ask the makers of the target why.";
        StillOutOfUse = "still_out_of_use",
            "The target confirmed the change, but the account is still deactivated.",
            "Reactivate the account there by hand, and ask the makers of the target why.";
        ReferenceNotMade = "reference_not_made",
            "The account that a field refers to, such as the manager's, does not exist yet.",
            "Nothing needs to be done: once that account exists, the next run fills the field.";
        NotAttempted = "not_attempted",
            "The run ended, or stopped working on the target, before it got to the change.",
            "Run again.";
        NotCarriedOut = "not_carried_out",
            "A change whose answer was lost turned out not to have been made.",
            "Nothing needs to be done: the next run plans it again.";
        Interrupted = "interrupted",
            "The run was stopped before its end.",
            "Run again.";
        FieldsLeftAlone = "fields_left_alone",
            "The change was made, except for some fields that were left as they are.",
            "`personio-sync explain EMPLOYEE` says why each of the fields was left as it is.";
    }
    "Fields that are left as they are" {
        FieldKept = "field_kept",
            "A field is left as it is.",
            "`personio-sync explain EMPLOYEE` says why.";
        CannotClear = "cannot_clear",
            "The target cannot empty the field.",
            "Empty it by hand in the target.";
        ManagerWithoutAccount = "manager_without_account",
            "The manager has no account in the target.",
            "Nothing needs to be done if the manager will get one; if not, check why they are out of scope or skipped.";
        ReferenceAmbiguous = "reference_ambiguous",
            "Several entries in the target have the same name.",
            "Rename all but one of them in the target.";
        ReferenceUnknown = "reference_unknown",
            "The target has no entry of that name.",
            "Create it in the target, name the field in `create_missing`, or correct the name in Personio.";
        NotConverging = "not_converging",
            "A field was written again and again, but the target keeps another value.",
            "Write the value in the mapping as the target keeps it, enter it there by hand, or take the field out.";
        NotStored = "not_stored",
            "The target accepted the change, but still shows another value.",
            "Look at the field in the target, and write the value in the mapping as the target keeps it.";
        FieldUnusable = "field_unusable",
            "A field of the mapping cannot be written.",
            "Correct the mapping as the message says.";
        GroupUnusable = "group_unusable",
            "The members of a group or channel cannot be set.",
            "Do what the message says, or take the group or channel out of the file.";
        FieldUnreadable = "field_unreadable",
            "The target has a value in a field that cannot be read as the field's type.",
            "Look at the value in the target.";
        FieldDescribedOtherwise = "field_described_otherwise",
            "The service describes a field in another way than the standard does.",
            "Check the first change of the field in the target.";
        RequiredFieldNotMapped = "required_field_not_mapped",
            "The target requires a field of new accounts, and the mapping does not fill it.",
            "Map the field.";
        BulkNotOffered = "bulk_not_offered",
            "The service does not offer bulk changes.",
            "Nothing needs to be done; without `bulk` in the file, this note goes away.";
    }
    "What an operator should know" {
        AccountFound = "account_found",
            "An account that exists already is linked to an employee.",
            "Check that it is theirs; `personio-sync unlink EMPLOYEE TARGET` undoes it.";
        AccountGone = "account_gone",
            "The account of somebody who left is gone from the target.",
            "Nothing needs to be done.";
        LinkedAccountGone = "linked_account_gone",
            "The linked account is gone from the target, and a new one is created.",
            "Nothing needs to be done, unless the account was removed by mistake.";
        EverythingRead = "everything_read",
            "The run was asked to read changes alone, and read everything.",
            "Nothing needs to be done; the text says why.";
        FoundByLookUp = "found_by_look_up",
            "Accounts that are missing from the target's list were found by asking for them by id.",
            "Run again; if it stays, ask the makers of the target.";
        ListNotWhole = "list_not_whole",
            "The target's list of accounts is not proven complete, so nobody is removed, and nobody created who could not be looked up first.",
            "Run again; if it stays, look in the target for a limit or a filter that cuts the list off.";
        AgentsReadApart = "agents_read_apart",
            "This key does not list agents together with requesters, so they were read from a list of their own.",
            "Nothing needs to be done.";
        AgentsNotVisible = "agents_not_visible",
            "The key may not see agents, so an employee who is one is not recognised.",
            "Ask an administrator for the permission to manage agents.";
        AccountInTwoStates = "account_in_two_states",
            "Another state file on this machine keeps the same account.",
            "Use one state for each account.";
        KeyNearlyEqual = "key_nearly_equal",
            "The match key of an employee and that of an account differ only in letter case, leading zeros, invisible characters or a single letter.",
            "Correct the key on one side (a spreadsheet may have removed leading zeros), or use `personio-sync link EMPLOYEE TARGET ACCOUNT`.";
        KeyOwnerNotFound = "key_owner_not_found",
            "The account that owns the key was not found.",
            "Name it in `protect`.";
        KeyOwnerNotNamed = "key_owner_not_named",
            "Nobody can tell which account owns the key.",
            "Name it in `protect`.";
        KeyOwnerLeaves = "key_owner_leaves",
            "The employee whose account owns the key that this tool signs in with has left, or leaves within 30 days.",
            "Have a key made by somebody who stays, put it in place of this one, and take the account out of use by hand.";
        ManagerLeaves = "manager_leaves",
            "The account of a manager is taken out of use while employees in scope still report to them.",
            "Enter the new manager of these employees in Personio.";
        CreatingMeans = "creating_means",
            "Creating an account has an effect of its own in the target.",
            "Read what the message says before the first sync.";
        FiltersMissing = "filters_missing",
            "The target has no filter, so every employee would get an account.",
            "Add `include` if that is not intended.";
        FiltersLeaveNobody = "filters_leave_nobody",
            "The filters let nobody through.",
            "Check the conditions with `personio-sync check --online`.";
        DeactivatedDuplicates = "deactivated_duplicates",
            "Deactivated accounts have the same address as others.",
            "Nothing needs to be done, unless one of them should come back.";
        ManagerCycle = "manager_cycle",
            "Managers report to each other in a circle.",
            "Correct the supervisor in Personio.";
        EmployeeMissing = "employee_missing",
            "Personio no longer delivers the employee, and the account is kept.",
            "Look for the employee in Personio; if they are gone, deactivate the account by hand, or set `missing = \"deactivate\"`.";
        InvisibleMarks = "invisible_marks",
            "Invisible characters are left out of a value.",
            "Remove them from the value in Personio.";
        NearestChoice = "nearest_choice",
            "A value that the field does not offer is written as the closest one that it does.",
            "If that is wrong, say in the mapping what is meant.";
        PhoneRangeUnknown = "phone_range_unknown",
            "The phone number has a valid form, but its range is not known to be in use.",
            "Check the number in Personio.";
        UnexpectedValue = "unexpected_value",
            "Personio delivers a value that cannot be read, so it is treated as hidden.",
            "Correct the value in Personio.";
        OutcomesUnreadable = "outcomes_unreadable",
            "The target does not tell what became of earlier changes.",
            "Run again.";
        Paused = "paused",
            "The target is paused, so nothing is done in it.",
            "`personio-sync resume TARGET` lets it take part again.";
        SourceOld = "source_old",
            "Nobody in Personio's list was changed for two working days, so the list may lag behind.",
            "Compare it with Personio's own screens; if the list lags behind, run again later.";
        AttributeChanged = "attribute_changed",
            "A custom attribute that the file reads changed its type in Personio, or lost an option, since the last good run, so whatever uses it is left as it is.",
            "Check what the file makes of it against the attribute in Personio, then run sync with `--accept-attributes`.";
        AttributeRenamed = "attribute_renamed",
            "A custom attribute that the file reads has another label in Personio since the last good run.",
            "If it means something else now, change the mapping; otherwise nothing needs to be done.";
        AttributesUnchecked = "attributes_unchecked",
            "Nobody can tell whether custom attributes changed in Personio, because they could not be listed.",
            "Run again; if it stays, do what the note says.";
        BudgetLow = "budget_low",
            "Little is left of the budget.",
            "Raise its `tasks`, or wait for its next period.";
        SlotMissed = "slot_missed",
            "A slot of `every` passed without a run of the target.",
            "Check that the scheduler starts the tool, and what `personio-sync status` says.";
        ByHand = "by_hand",
            "These changes are made by people.",
            "`personio-sync plan TARGET` lists them; once they are done, say so with `personio-sync confirm TARGET`.";
        DeliveryOpen = "delivery_open",
            "Records are new or changed since people last confirmed that they imported them.",
            "Import the file of changes that the message names, then run `personio-sync confirm TARGET`.";
        DeliveryFailed = "delivery_failed",
            "What the target holds did not reach the people who import it; the next run sends it again.",
            "Do what the message says of the server, then run `personio-sync sync TARGET`.";
        NothingConfirmed = "nothing_confirmed",
            "Nothing in the target has been confirmed yet.",
            "Do what the list says, then run `personio-sync confirm TARGET`.";
        NobodyFits = "nobody_fits",
            "Nobody fits a rule.",
            "Check the rule.";
        LookNotKept = "look_not_kept",
            "The workbook has something, such as colours or a chart, that is lost when it is written.",
            "Have that in a workbook of your own that refers to this one.";
        UnmappedColumns = "unmapped_columns",
            "The file has columns that the mapping does not name; they are kept as they are.",
            "Map them, or remove them from the file.";
        NameDoubtful = "name_doubtful",
            "A name does not look like one that payroll should have.",
            "Check the name in Personio.";
        DetailsMissing = "details_missing",
            "The employee stays Pending in payroll until details that are missing are there.",
            "Enter in Personio what the message names.";
        TaxCodeUnusual = "tax_code_unusual",
            "A tax code has an unusual form.",
            "Check the tax code in Personio.";
        LeavingDateWithdrawn = "leaving_date_withdrawn",
            "The leaving date was withdrawn after the end of the benefits was planned.",
            "Tell an administrator of the target.";
        LeavingDateMovedAfterLeaving = "leaving_date_moved_after_leaving",
            "The leaving date was changed after it had passed.",
            "Tell an administrator of the target.";
        LateLeavingDate = "late_leaving_date",
            "The leaving date was entered late.",
            "If no voucher was chosen, an administrator may end the benefits at once.";
    }
    "Approvals" {
        Approved = "approved",
            "Somebody approved the held change.",
            "Nothing needs to be done.";
        ApprovalExpired = "approval_expired",
            "An approval was not used in time.",
            "If it is still right, approve it again.";
        ApprovalExpiring = "approval_expiring",
            "An approval that no run has used yet ends within two days.",
            "Run sync before that, or approve the change again; `personio-sync held` shows what it waits for.";
        ApprovalNotEnough = "approval_not_enough",
            "An approval does not release this hold.",
            "Do what the message says.";
        ApprovalOutdated = "approval_outdated",
            "The change is no longer the one that was approved.",
            "Look at it with `personio-sync held`; if it is right, approve it again.";
        ApprovedNotReviewed = "approved_not_reviewed",
            "Approved changes wait because they are not part of the reviewed plan.",
            "Review a new plan, or run sync without `--plan`.";
        RemovalsChanged = "removals_changed",
            "The people to be removed are not the ones who were shown.",
            "Look at `personio-sync plan` again, then repeat the command.";
        RemovalsNotShown = "removals_not_shown",
            "Nobody was shown who would be removed.",
            "Look at `personio-sync plan`, then repeat the command.";
    }
    "Workflows" {
        WorkflowForm = "workflow_form",
            "A step does not fit the form in the target.",
            "Correct the step as the message says.";
        EventMissed = "event_missed",
            "The date became known too late for the workflow, so nothing was sent.",
            "`workflows start` with the employee's id starts it now.";
        HireCalledOff = "hire_called_off",
            "A request was created for a hire that was called off.",
            "Cancel the request in the target.";
        LeaverStays = "leaver_stays",
            "A request was created for somebody who is no longer leaving.",
            "Cancel the request in the target.";
        LastDayHidden = "last_day_hidden",
            "The credential may not read an attribute with the last day, so no workflow starts.",
            "Tick the attribute for the API credential in Personio, under Readable employee attributes.";
        RequestInDoubt = "request_in_doubt",
            "The answer to a request was lost, and its day has passed.",
            "Look in the target whether it was created, and say so with `workflows settle`.";
        HireDateMoved = "hire_date_moved",
            "The hire date was changed after a request was created for it.",
            "Change the request in the target.";
        LastDayMoved = "last_day_moved",
            "The last day was changed after a request was created for it.",
            "Change the request in the target.";
    }
    "What a step of a workflow does" {
        CreateOnboardingRequest = "create_onboarding_request",
            "A workflow creates an onboarding request.",
            "Nothing needs to be done.";
        CreateOffboardingRequest = "create_offboarding_request",
            "A workflow creates an offboarding request.",
            "Nothing needs to be done.";
        CreateTicket = "create_ticket",
            "A workflow creates a ticket.",
            "Nothing needs to be done.";
        CreateServiceRequest = "create_service_request",
            "A workflow orders an item of the catalogue.",
            "Nothing needs to be done.";
        UpdateRequester = "update_requester",
            "A workflow updates fields of the requester.",
            "Nothing needs to be done.";
        DeactivateRequester = "deactivate_requester",
            "A workflow deactivates the requester.",
            "Nothing needs to be done.";
        AddToRequesterGroup = "add_to_requester_group",
            "A workflow adds the requester to a group.",
            "Nothing needs to be done.";
        RemoveFromRequesterGroup = "remove_from_requester_group",
            "A workflow removes the requester from a group.",
            "Nothing needs to be done.";
    }
    "Personio Conversations" {
        RequesterCredential = "requester_credential",
            "The credential of Conversations cannot be used, so nobody can tell what experts see.",
            "Check `credential` in the file and the credential's permissions in Personio.";
        DirectoryNotRead = "directory_not_read",
            "The directory's target did not take part, so its contacts and channels were not compared.",
            "Run both targets together; if the directory's is held, paused or failed, deal with that first.";
        ChannelsNotRead = "channels_not_read",
            "The directory's channels could not be listed.",
            "Correct what the message names, such as a missing permission, then run again.";
        ChannelMissing = "channel_missing",
            "A team names a channel that the directory's key does not see.",
            "Create the channel, correct its name in the file, or invite the app if the channel is private.";
        ContactsNotCompared = "contacts_not_compared",
            "The directory's contacts were not compared with the people of Personio, because one side has no e-mail addresses.",
            "Map `email` in the target of Conversations, and a field with the address in the directory's.";
        OutsidersInDirectory = "outsiders_in_directory",
            "Active accounts in the directory belong to no employee, and are imported as contacts all the same.",
            "Name those who are meant to be there in `outsiders`, and deactivate the others in the directory.";
        ExpertsFile = "experts_file",
            "The list of experts (`experts_file`) cannot be read.",
            "Correct the list as the message says, or export it again.";
        ExpertsUnknown = "experts_unknown",
            "The list of experts (`experts_file`) has people whom Personio does not deliver.",
            "Correct these lines, or export the list again.";
        ExpertsBeyondRule = "experts_beyond_rule",
            "People have the role of an expert, but `experts` does not make them one.",
            "Take the role from them in Personio, or widen `experts`; then export the list again.";
        ExpertsWithoutRole = "experts_without_role",
            "`experts` makes people experts who do not have the role in Personio.",
            "Give them the role in Personio, or narrow `experts`; then export the list again.";
        LanguageByHand = "language_by_hand",
            "The directory does not let this tool write the language: everybody sets their own.",
            "Nothing needs to be done: Conversations follows the language that each person chose in Personio.";
        LanguageNotMapped = "language_not_mapped",
            "`language` is written nowhere, because the directory's target does not map it.",
            "Add the field to the directory's mapping, as the message shows.";
        RequesterAttributesMissing = "requester_attributes_missing",
            "The file declares attributes that Conversations may not read.",
            "Tick them for the credential of Conversations in Personio, or take them out of the file.";
        RequesterAttributesBeyond = "requester_attributes_beyond",
            "Conversations may read attributes that the file does not declare.",
            "Untick them for the credential of Conversations in Personio, or declare them in the file.";
        RequesterAttributesSensitive = "requester_attributes_sensitive",
            "Conversations may read sensitive attributes, and every expert sees them.",
            "Untick them for the credential of Conversations in Personio.";
        NotInDirectory = "not_in_directory",
            "Employees have no active account in the directory, so they cannot reach the help desk.",
            "Create the accounts in the directory, or widen the filters of its target.";
        LeftInDirectory = "left_in_directory",
            "People who left have an active account in the directory.",
            "Deactivate the accounts in the directory.";
        AddressMissing = "address_missing",
            "Employees have no e-mail address, so no contact can be told to be theirs.",
            "Enter the address in Personio.";
        AddressShared = "address_shared",
            "Employees share an e-mail address, so a contact may belong to either of them.",
            "Give each of them an address of their own in Personio.";
        TeamMemberNoExpert = "team_member_no_expert",
            "The rule of a team includes somebody who is not an expert.",
            "Include them in `experts`, or exclude them in the team's rule.";
    }
    "Status and dates that contradict each other" {
        InactiveBeforeLastDay = "inactive_before_last_day",
            "The status is inactive although the last day is ahead.",
            "Correct the status or the last day in Personio.";
        EmployedAfterLastDay = "employed_after_last_day",
            "The last day has passed although the status is not inactive.",
            "Correct the status or the last day in Personio.";
        EmployedBeforeHireDate = "employed_before_hire_date",
            "The status says employed although the hire date is ahead.",
            "Correct the status or the hire date in Personio.";
        OnboardingAfterHireDate = "onboarding_after_hire_date",
            "The status is onboarding although the hire date has passed.",
            "Correct the status in Personio.";
        LastDayBeforeHireDate = "last_day_before_hire_date",
            "The last day is before the hire date and is ignored.",
            "Remove the old last day in Personio.";
    }
    "Why a run ends with another status than 0" {
        Terminated = "terminated",
            "A signal stopped the run, and it ended in good order.",
            "Run again.";
        InternalError = "internal_error",
            "Something went wrong in this tool itself.",
            "Please report it, with what it wrote to standard error.";
        Usage = "usage",
            "The command line or the file has a mistake; nothing was contacted.",
            "Do what the message says.";
        SignInOrRightsRefused = "sign_in_or_rights_refused",
            "A sign-in was refused, or a permission is missing.",
            "Check the credential that the message names, and its permissions.";
        Locked = "locked",
            "Another run is working on the target.",
            "Wait until it has ended, or use `--lock-timeout`.";
        NotApproved = "not_approved",
            "The plan was not approved, or is not the one that was reviewed.",
            "Answer yes, run with `--yes`, or review a new plan.";
        Held = "held",
            "A safety rail holds something; the rest was done.",
            "`personio-sync held` shows what is held, and why.";
        SomeFailed = "some_failed",
            "The change failed for some people; the rest was done.",
            "`personio-sync jobs --failed` lists them.";
        ChangesPending = "changes_pending",
            "The plan has changes.",
            "`personio-sync sync` carries them out.";
        EverybodySkipped = "everybody_skipped",
            "Everybody was skipped, so nobody is in line.",
            "Read the reasons; most often the target's answers or the `match` fields are not what they were.";
        LeaverUnreadable = "leaver_unreadable",
            "The account of somebody who left could not be read, so nobody knows whether it is still in use.",
            "Look at the account in the target, then run again.";
        StateUnwritable = "state_unwritable",
            "The state cannot be written.",
            "Check the free space and the permissions of the state's folder or database.";
        NotDelivered = "not_delivered",
            "A message or a sign of life that `[notify]` asks for did not arrive.",
            "Do what the message says, and try again with `personio-sync notify test`.";
        TooOld = "too_old",
            "The last success is older than the age that was asked for.",
            "Look at `personio-sync runs`, and check that the schedule still runs it.";
        AttributeNotReadable = "attribute_not_readable",
            "Personio does not let the credential read an attribute.",
            "Tick the attribute for the API credential in Personio, under Readable employee attributes.";
    }
    "Mistakes in the file" {
        Syntax = "syntax",
            "The file is not valid TOML.",
            "Correct the line that the message names.";
        FileNotFound = "file_not_found",
            "There is no such file.",
            "Give its path with `--config`, or write one with `personio-sync init`.";
        FileUnreadable = "file_unreadable",
            "The file cannot be read.",
            "Check the permissions of the file.";
        Unsettled = "unsettled",
            "The file cannot be used although no mistake was found.",
            "Please report it.";
        UnknownKey = "unknown_key",
            "The file has a key that does not exist.",
            "Use the name that the message offers, or remove the key.";
        UnknownValue = "unknown_value",
            "A key has a value that it does not take.",
            "Use one of the values that the message names.";
        UnknownType = "unknown_type",
            "A target has a `type` that does not exist.",
            "Use one of the types that the message names.";
        UnknownTarget = "unknown_target",
            "There is no target of that name.",
            "Use one of the names that the message offers.";
        UnknownAttribute = "unknown_attribute",
            "Personio has no such attribute, or the file does not ask for it.",
            "Use the name that the message offers.";
        UnknownField = "unknown_field",
            "The target has no such field.",
            "Use the name that the message offers.";
        WrongType = "wrong_type",
            "A value has the wrong type, such as text instead of a number.",
            "Write the value as the message says.";
        WrongValue = "wrong_value",
            "A value has the right type, but cannot be used.",
            "Write the value as the message says.";
        WrongAlias = "wrong_alias",
            "An alias cannot be used.",
            "Choose another name.";
        MissingKey = "missing_key",
            "A key that is needed is missing.",
            "Add the key that the message names.";
        DuplicateAttribute = "duplicate_attribute",
            "An attribute is named twice.",
            "Remove one of the two.";
        DuplicateField = "duplicate_field",
            "A field is mapped twice.",
            "Remove one of the two.";
        DuplicateMatch = "duplicate_match",
            "A field is named twice in `match`.",
            "Remove one of the two.";
        LifecycleAttribute = "lifecycle_attribute",
            "The file does not ask for an attribute that tells who has left.",
            "Add it to `personio.attributes`.";
        Expression = "expression",
            "An expression has a mistake.",
            "Correct it as the message says.";
        IfWithoutElse = "if_without_else",
            "An expression gives nothing when its condition is false.",
            "Add an `else`.";
        MatchNotMapped = "match_not_mapped",
            "A field of `match` is not mapped.",
            "Map it, or match by another field.";
        RequiredField = "required_field",
            "A field that the target requires is not mapped.",
            "Map the field.";
        ReadOnlyField = "read_only_field",
            "The target does not let anybody write the field.",
            "Take the field out of the mapping.";
        DetailNotChosen = "detail_not_chosen",
            "A field belongs to details that the file does not choose.",
            "Add the detail to `details`.";
        TestFailed = "test_failed",
            "The employee of a `[[test]]` comes out another way than it expects.",
            "Correct the rules of the target, or what the test expects.";
        NoTarget = "no_target",
            "The file has no target.",
            "Add one, or let `personio-sync init` write it.";
        LonelyGroup = "lonely_group",
            "A target is the only one in its group, so the group has no effect.",
            "Correct the name of the group.";
        SameAccounts = "same_accounts",
            "Two targets manage the same accounts.",
            "Merge them into one target.";
        PlainSecret = "plain_secret",
            "A secret is written in the file itself.",
            "Keep it out of the file with `{ env = \"...\" }`, or let only its owner read the file.";
        UnreadableSecret = "unreadable_secret",
            "A secret cannot be read.",
            "Check the variable, file or command that holds it.";
    }
    "Documents" {
        OtherName = "other_name",
            "The file's name does not have the form of `--name`.",
            "Rename the file, or correct `--name`.";
        NotInIndex = "not_in_index",
            "The index does not name the file.",
            "Add the file to the index.";
        NotInFolder = "not_in_folder",
            "The index names the file, but it is not in the folder.",
            "Put the file there, or remove its line from the index.";
        NoEmployee = "no_employee",
            "The file fits no employee in Personio.",
            "Correct the number or address in the file's name or in the index.";
        SeveralEmployees = "several_employees",
            "The file fits more than one employee.",
            "Use something in the name or the index that only one of them has.";
        EmptyFile = "empty_file",
            "The file is empty.",
            "Replace the file.";
        TooLarge = "too_large",
            "The file is larger than 30 MB, the most that Personio takes.",
            "Make the file smaller.";
        TypeNotAllowed = "type_not_allowed",
            "Personio does not take files of this type.",
            "Convert the file, for example to PDF.";
        TitleInvalid = "title_invalid",
            "The title cannot be used.",
            "Correct `--title`.";
        Unreadable = "unreadable",
            "The file cannot be read.",
            "Check the permissions of the file.";
        Changed = "changed",
            "The file was changed after it was uploaded.",
            "If both should be there, upload it under another name.";
        Duplicate = "duplicate",
            "Another file in the folder has the same contents for the same employee.",
            "Remove one of the two.";
        Found = "found",
            "Personio has the document already.",
            "Nothing needs to be done.";
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// The code is of another version, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCode;

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(UnknownCode)
    }
}

// By their text, as readers sort them.
impl Ord for Code {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Code {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<Code> for Box<str> {
    fn from(code: Code) -> Self {
        code.as_str().into()
    }
}

/// Only tests compare with text: elsewhere a misspelt code does not compile.
#[cfg(test)]
impl PartialEq<&str> for Code {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_code_is_one_word_of_its_own_with_two_sentences() {
        let mut seen = BTreeSet::new();
        for code in Code::ALL {
            let text = code.as_str();
            assert!(seen.insert(text), "{text} is there twice");
            assert_eq!(text.parse(), Ok(*code));
            assert!(
                text.split('_').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase())),
                "{text}"
            );
            let name: String = format!("{code:?}")
                .chars()
                .flat_map(|letter| {
                    let upper = letter.is_ascii_uppercase();
                    [upper.then_some('_'), Some(letter.to_ascii_lowercase())].into_iter().flatten().collect::<Vec<_>>()
                })
                .collect();
            assert_eq!(name.trim_start_matches('_'), text);
            for sentence in [code.meaning(), code.remedy()] {
                assert!(sentence.ends_with('.') && sentence.contains(char::is_whitespace), "{text}: {sentence}");
                // It stands in cells of tables as it is.
                assert!(!sentence.contains(['|', '\n', '<']), "{text}: {sentence}");
            }
        }
        assert_eq!("max_deactivat".parse::<Code>(), Err(UnknownCode));
    }
}
