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
            "The employee has no value in any field that accounts are found by.",
            "Fill the field in Personio that the match needs.";
        MatchKeyShared = "match_key_shared",
            "Two employees have the same match key.",
            "Change the key for one of them in Personio, or use `personio-sync link`.";
        MatchKeyHidden = "match_key_hidden",
            "The match key rests on an attribute that the credential may not read.",
            "Tick the attribute for the API credential in Personio.";
        SeveralAccounts = "several_accounts",
            "Several accounts of the target fit one employee.",
            "Merge the accounts in the target, or say which one counts with `personio-sync link`.";
        AccountTaken = "account_taken",
            "The account that fits belongs to somebody else.",
            "`personio-sync explain` shows whose it is and why.";
        AccountClaimed = "account_claimed",
            "Somebody else in scope has a key of the account.",
            "Look at both people with `personio-sync explain`.";
        AccountRefused = "account_refused",
            "A person said that this account is not the employee's, so another one is made.",
            "Use `personio-sync link` if it is theirs after all.";
        AccountNotDelivered = "account_not_delivered",
            "The linked account is not in the list of the target, and reading it by its id does not tell that it is gone.",
            "Run again; if it stays, look for the account in the target.";
        AccountIsAgent = "account_is_agent",
            "The account works in the target as an agent, and agents are not changed silently.",
            "Change agents by hand in the target, or set `agents = \"update\"`.";
        AccountOwnsTheKey = "account_owns_the_key",
            "The account owns the key that this tool signs in with.",
            "Change it by hand in the target.";
        AccountProtected = "account_protected",
            "The file's `protect` names the account.",
            "Change it by hand in the target, or narrow `protect`.";
        AccountManagedElsewhere = "account_managed_elsewhere",
            "The target says that another system owns the account.",
            "Change it where it is managed.";
        AccountUnreadable = "account_unreadable",
            "A part of the account could not be read, so nobody can say what a change would do.",
            "Look at the account in the target; run again.";
        TwoRecords = "two_records",
            "Personio has two records of what may be one person.",
            "Look at both records with `personio-sync explain`; use `personio-sync link` to say whose the account is.";
        LifecycleHidden = "lifecycle_hidden",
            "An attribute is not readable without which nobody can tell who has left.",
            "Tick the attribute for the API credential in Personio.";
        FilterHidden = "filter_hidden",
            "A filter needs an attribute that the credential may not read.",
            "Tick the attribute for the API credential in Personio, or change the filter.";
        FilterInvalid = "filter_invalid",
            "A filter cannot be evaluated for the employee.",
            "Correct the filter, or the value in Personio.";
        InSeveralTargets = "in_several_targets",
            "The employee is in scope of several targets of one group.",
            "Change the filters so that each employee is in one target of the group.";
        InNoTargetOfGroup = "in_no_target_of_group",
            "The employee is in scope of no target of a group.",
            "Change the filters if one of these targets should have them.";
        FieldEmpty = "field_empty",
            "A field that must be filled has no value.",
            "Fill the value in Personio.";
        FieldInvalid = "field_invalid",
            "The mapping gave something that the field does not take.",
            "Fix the value in Personio, or say in the mapping what an invalid value does (`on_invalid`).";
        FieldHidden = "field_hidden",
            "A field rests on an attribute that the credential may not read.",
            "Tick the attribute for the API credential in Personio.";
        RequiredFieldEmpty = "required_field_empty",
            "The target requires a field of new accounts that has no value.",
            "Fill the value in Personio.";
        CannotCreate = "cannot_create",
            "This tool does not make accounts in the target.",
            "Make the account in the target by hand; the next run finds it.";
        CannotDeactivate = "cannot_deactivate",
            "This tool cannot take accounts of the target out of use.",
            "Take the account out of use in the target by hand.";
        CannotReactivate = "cannot_reactivate",
            "This tool cannot bring accounts of the target back.",
            "Bring the account back in the target by hand.";
        Pending = "pending",
            "The target makes the account in its own time.",
            "The next run looks again.";
        WorkflowUnclear = "workflow_unclear",
            "A condition of a workflow cannot be evaluated for the employee.",
            "Correct the condition, or tick the attribute it needs for the API credential in Personio.";
        HireDateMissing = "hire_date_missing",
            "There is no hire date, as with a hire that was called off.",
            "Enter the hire date in Personio; a hire that was called off needs none.";
        EmployeeIdUsed = "employee_id_used",
            "Another record of the target has the staff number.",
            "Give the new employment a staff number of its own in Personio.";
        EmailUsed = "email_used",
            "Another record of the target has the e-mail address, which must be unique.",
            "Give one of the two another address.";
        InactiveWithoutLastDay = "inactive_without_last_day",
            "The status is inactive, and there is no last day.",
            "Enter the last day in Personio.";
        InactiveWithoutLeavingDate = "inactive_without_leaving_date",
            "The status is inactive, and there is no leaving date.",
            "Enter the last day in Personio.";
        LeftBeforeImport = "left_before_import",
            "The employee has left and was never in the target, so there is nothing to end.",
            "Nothing needs to be done.";
        RejoinerNeedsNewId = "rejoiner_needs_new_id",
            "Somebody who left payroll comes back, which needs a new record.",
            "Give the new employment a staff number of its own in Personio.";
        TerminatedInPreviousTaxYear = "terminated_in_previous_tax_year",
            "The employment ended in an earlier tax year.",
            "Nothing needs to be done.";
    }
    "What a safety rail holds" {
        MaxDeactivate = "max_deactivate",
            "More accounts would be taken out of use than the limit allows.",
            "Check the list; if it is right, `approve` it, or run sync with --accept-removals and the number.";
        MaxCreate = "max_create",
            "More accounts would be made than the limit allows.",
            "Check the list; if it is right, `approve` it, or raise `max_create`.";
        MaxUpdate = "max_update",
            "More accounts would be changed than the limit allows.",
            "Check the list; if it is right, `approve` it, or raise `max_update`.";
        MaxClear = "max_clear",
            "More fields would be emptied than the limit allows.",
            "Check the list; if it is right, `approve` it, or raise `max_clear`.";
        MaxFieldShare = "max_field_share",
            "One field would change for more people than the limit allows.",
            "Check the mapping of the field; if it is right, `approve` the changes.";
        MaxGroupShare = "max_group_share",
            "A group or channel would lose more of its members than the limit allows.",
            "Look at its rule; if it is right, `approve` the changes.";
        GroupEmptied = "group_emptied",
            "A group or channel would lose everybody.",
            "Look at its rule; if it is right, `approve` the changes.";
        FirstRun = "first_run",
            "A first run against a target that has accounts removes nobody.",
            "Look at the links it made; run again once they look right.";
        SourceUnproven = "source_unproven",
            "What Personio delivered is not proven complete, so nobody is removed for it.",
            "Run again; if it stays, look at the note about Personio's answer.";
        TargetUnproven = "target_unproven",
            "What the target listed is not proven complete.",
            "Run again; if it stays, look at the note about the target.";
        FiltersChanged = "filters_changed",
            "The filters changed since the last run, and people leave the scope because of it.",
            "Check who is affected, then run sync with --accept-filter-change.";
        AccountsGone = "accounts_gone",
            "More linked accounts are missing from the target than happens by itself.",
            "Look into the target; if they are really gone, `approve` the changes.";
        Handover = "handover",
            "An account would pass from one employee number to another, without enough evidence.",
            "Look whether both profiles are the same person's; if they are, use `personio-sync link` as the reason says.";
        Budget = "budget",
            "The change does not fit into what is left of the budget.",
            "Wait for the next period, or raise `tasks`.";
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
            "Look for the employee in Personio; a credential may have lost the right to see them.";
        Refused = "refused",
            "The target refused the change.",
            "Look at what the target says of the field, fix it in Personio or in the mapping, then retry.";
        AlreadyExists = "already_exists",
            "Another account has the same key.",
            "Merge or rename it in the target, then retry.";
        AccountNotFound = "account_not_found",
            "The account is gone.",
            "The next run plans afresh.";
        SignInRefused = "sign_in_refused",
            "The target refused the sign-in.",
            "Check the target's key: it may have been revoked, or its owner may be gone.";
        RightMissing = "right_missing",
            "The key lacks a right.",
            "Give the key's owner the right that the message names, then retry.";
        Unavailable = "unavailable",
            "The source, the target or the state could not be reached.",
            "Retry when it is back.";
        ChangedMeanwhile = "changed_meanwhile",
            "Somebody else changed the same record during the run.",
            "The next run plans afresh.";
        OutcomeUnknown = "outcome_unknown",
            "The answer was lost, so nobody knows whether it was done.",
            "The next run looks before it writes.";
        UnexpectedAnswer = "unexpected_answer",
            "The target answered with something that it does not send.",
            "Check the target's address; if it is right, retry later.";
        StillInUse = "still_in_use",
            "The target acknowledged it, and the account is still in use.",
            "Take the account out of use there by hand, and ask why.";
        StillOutOfUse = "still_out_of_use",
            "The target acknowledged it, and the account is still out of use.",
            "Bring the account back there by hand, and ask why.";
        ReferenceNotMade = "reference_not_made",
            "The account that a field refers to is missing, such as the manager's.",
            "It is linked by the run after it exists.";
        NotAttempted = "not_attempted",
            "The run ended, or the target was left alone, before its turn.",
            "Run again.";
        NotCarriedOut = "not_carried_out",
            "Looking showed that a change whose answer was lost was not carried out.",
            "The next run plans it again.";
        Interrupted = "interrupted",
            "The run was stopped before its end.",
            "Run again.";
        FieldsLeftAlone = "fields_left_alone",
            "The change was made, and some fields were left as they are.",
            "`personio-sync explain` with the employee's number says why each of the fields was left alone.";
    }
    "Fields that are left as they are" {
        FieldKept = "field_kept",
            "A field is left as it is.",
            "`personio-sync explain` with the employee's number says why.";
        CannotClear = "cannot_clear",
            "The target cannot empty the field.",
            "Empty it by hand in the target.";
        ManagerWithoutAccount = "manager_without_account",
            "The manager has no account in the target yet.",
            "It is linked by the run after the account exists.";
        ReferenceAmbiguous = "reference_ambiguous",
            "Several things of the target have the name.",
            "Rename all but one of them in the target.";
        ReferenceUnknown = "reference_unknown",
            "The target has nothing of that name.",
            "Make it in the target, name the field in `create_missing`, or correct the name in Personio.";
        NotConverging = "not_converging",
            "A field was written again and again, and the target keeps another value.",
            "Write the value in the mapping as the target keeps it.";
        NotStored = "not_stored",
            "The target took the change, and reading it shows another value.",
            "Look at the field in the target; write the value in the mapping as the target keeps it.";
        FieldUnusable = "field_unusable",
            "A field of the mapping cannot be written.",
            "Correct the mapping as the message says.";
        GroupUnusable = "group_unusable",
            "The members of a group or channel cannot be set.",
            "Do what the message says, or take it out of the file.";
        FieldUnreadable = "field_unreadable",
            "The target holds something in a field that the field's type cannot be read from.",
            "Look at the value in the target.";
        FieldDescribedOtherwise = "field_described_otherwise",
            "The service describes a field otherwise than the standard does.",
            "Check the first change of the field in the target.";
        RequiredFieldNotMapped = "required_field_not_mapped",
            "The target requires a field of new accounts, and the mapping does not fill it.",
            "Map the field.";
        BulkNotOffered = "bulk_not_offered",
            "The service does not offer changes in bulk.",
            "Nothing needs to be done; take `bulk` out of the file to be rid of the note.";
    }
    "What an operator should know" {
        AccountFound = "account_found",
            "An account that is there already is linked to an employee.",
            "Look whether it is theirs; `personio-sync unlink` undoes it.";
        AccountGone = "account_gone",
            "An account of somebody who left is gone from the target.",
            "Nothing needs to be done.";
        LinkedAccountGone = "linked_account_gone",
            "The linked account is gone from the target, and a new one is made.",
            "Nothing needs to be done, unless the account was removed by mistake.";
        FoundByLookUp = "found_by_look_up",
            "Accounts that the target's list lacks were found by their ids.",
            "Run again; if it stays, tell whoever runs the target.";
        ListNotWhole = "list_not_whole",
            "The target's list of accounts is not whole.",
            "Run again; if it stays, tell whoever runs the target.";
        AgentsReadApart = "agents_read_apart",
            "Agents are not listed together with requesters for this key; they were read from their own list.",
            "Nothing needs to be done.";
        AgentsNotVisible = "agents_not_visible",
            "The key may not see agents, so an employee who is one is not recognised.",
            "Ask an administrator for the permission to manage agents.";
        AccountInTwoStates = "account_in_two_states",
            "Another state file of this machine keeps the same account.",
            "Use one state for one account.";
        KeyNearlyEqual = "key_nearly_equal",
            "An employee's match key differs from an account's by letters that nobody sees, or by one.",
            "Correct the key in Personio or in the target, or use `personio-sync link`.";
        KeyOwnerNotFound = "key_owner_not_found",
            "The account that owns the key was not found.",
            "Name it in `protect`.";
        KeyOwnerNotNamed = "key_owner_not_named",
            "Nobody can tell which account owns the key.",
            "Name it in `protect`.";
        CreatingMeans = "creating_means",
            "Making an account has an effect of its own in the target.",
            "Read what the message says before the first sync.";
        FiltersMissing = "filters_missing",
            "The target has no filter, and every employee would get an account.",
            "Add `include` if that is not meant.";
        FiltersLeaveNobody = "filters_leave_nobody",
            "The filters let nobody through.",
            "Check the conditions with `personio-sync check --online`.";
        DeactivatedDuplicates = "deactivated_duplicates",
            "Deactivated accounts have the address of others.",
            "Nothing needs to be done, unless one of them should come back.";
        ManagerCycle = "manager_cycle",
            "Managers report to each other in a circle.",
            "Correct the supervisor in Personio.";
        EmployeeMissing = "employee_missing",
            "Personio no longer delivers the employee, and the account is kept.",
            "Look for the employee in Personio; take the account out of use by hand if they are gone.";
        InvisibleMarks = "invisible_marks",
            "Marks that nobody sees are left out of a value.",
            "Remove them from the value in Personio.";
        NearestChoice = "nearest_choice",
            "A value that the field does not offer is written as the nearest that it offers.",
            "Say in the mapping what is meant if that is wrong.";
        PhoneRangeUnknown = "phone_range_unknown",
            "The number's form is right, and its range is not known to be in use.",
            "Check the number in Personio.";
        UnexpectedValue = "unexpected_value",
            "Personio delivers a value that cannot be read, so it counts as hidden.",
            "Correct the value in Personio.";
        OutcomesUnreadable = "outcomes_unreadable",
            "What became of earlier changes cannot be read from the target.",
            "Run again.";
        Paused = "paused",
            "The target is paused and nothing is done in it.",
            "`personio-sync resume` with its name lets it take part again.";
        SourceOld = "source_old",
            "Personio's list lags behind.",
            "Run again later.";
        BudgetLow = "budget_low",
            "Little is left of the budget.",
            "Raise `tasks`, or wait for the next period.";
        ByHand = "by_hand",
            "Changes are left to people.",
            "`personio-sync plan` with the target's name lists them; say that they are done with `personio-sync confirm`.";
        NothingConfirmed = "nothing_confirmed",
            "Nothing was confirmed of the target yet.",
            "Do what the list says, then `personio-sync confirm` with the target's name.";
        NobodyFits = "nobody_fits",
            "Nobody fits a rule.",
            "Look at the rule.";
        LookNotKept = "look_not_kept",
            "Writing the workbook again loses a part of how it looks.",
            "Nothing needs to be done if only the values count.";
        UnmappedColumns = "unmapped_columns",
            "The file has columns that the mapping does not name; they are kept.",
            "Map them, or remove them from the file.";
        NameDoubtful = "name_doubtful",
            "A name looks wrong for payroll.",
            "Check the name in Personio.";
        TaxCodeUnusual = "tax_code_unusual",
            "A tax code has an unusual form.",
            "Check the tax code in Personio.";
        LeavingDateWithdrawn = "leaving_date_withdrawn",
            "The leaving date is withdrawn after benefits were planned to end.",
            "Say it to an administrator of the target.";
        LeavingDateMovedAfterLeaving = "leaving_date_moved_after_leaving",
            "The leaving date moved after it had passed.",
            "Say it to an administrator of the target.";
        LateLeavingDate = "late_leaving_date",
            "The leaving date was entered late.",
            "Where no voucher was chosen, an administrator may end the benefits at once.";
    }
    "Approvals" {
        Approved = "approved",
            "Somebody released the held change.",
            "Nothing needs to be done.";
        ApprovalExpired = "approval_expired",
            "An approval was not used in time.",
            "Approve it again if it is still right.";
        ApprovalNotEnough = "approval_not_enough",
            "An approval does not release this hold.",
            "Do what the message says.";
        ApprovalOutdated = "approval_outdated",
            "The change is no longer the one that was approved.",
            "Look at it with `personio-sync held`, and approve it again if it is right.";
        ApprovedNotReviewed = "approved_not_reviewed",
            "Approved changes are not part of the reviewed plan, and wait.",
            "Review a new plan.";
        RemovalsChanged = "removals_changed",
            "The people to be removed are not the ones that were shown.",
            "Look at the list again.";
        RemovalsNotShown = "removals_not_shown",
            "Nobody was shown who would be removed.",
            "Run `personio-sync plan` first, and look at the list.";
    }
    "Workflows" {
        WorkflowForm = "workflow_form",
            "A step does not fit the target's own form.",
            "Correct the step as the message says.";
        EventMissed = "event_missed",
            "A day became known after the days of the workflow, so nothing was sent.",
            "`personio-sync workflows start` with its name and the employee does it now.";
        HireCalledOff = "hire_called_off",
            "A request was made for a hire that is called off.",
            "Cancel the request by hand.";
        LeaverStays = "leaver_stays",
            "A request was made for somebody who does not leave any more.",
            "Cancel the request by hand.";
        LastDayHidden = "last_day_hidden",
            "An attribute with the last day is not readable, so no workflow starts.",
            "Tick the attribute for the API credential in Personio.";
        RequestInDoubt = "request_in_doubt",
            "The answer to a request was lost, and the day is another one now.",
            "Look whether it was made, and tell with `personio-sync workflows settle`.";
        HireDateMoved = "hire_date_moved",
            "The hire date moved after a request was made for it.",
            "Change the request by hand.";
        LastDayMoved = "last_day_moved",
            "The last day moved after a request was made for it.",
            "Change the request by hand.";
    }
    "What a step of a workflow does" {
        CreateOnboardingRequest = "create_onboarding_request",
            "A workflow asks for an onboarding.",
            "Nothing needs to be done.";
        CreateOffboardingRequest = "create_offboarding_request",
            "A workflow asks for an offboarding.",
            "Nothing needs to be done.";
        CreateTicket = "create_ticket",
            "A workflow makes a ticket.",
            "Nothing needs to be done.";
        CreateServiceRequest = "create_service_request",
            "A workflow orders an item of the catalogue.",
            "Nothing needs to be done.";
        UpdateRequester = "update_requester",
            "A workflow writes fields of the requester.",
            "Nothing needs to be done.";
        DeactivateRequester = "deactivate_requester",
            "A workflow takes the requester out of use.",
            "Nothing needs to be done.";
        AddToRequesterGroup = "add_to_requester_group",
            "A workflow takes the requester into a group.",
            "Nothing needs to be done.";
        RemoveFromRequesterGroup = "remove_from_requester_group",
            "A workflow takes the requester out of a group.",
            "Nothing needs to be done.";
    }
    "Personio Conversations" {
        RequesterCredential = "requester_credential",
            "The credential of requesters cannot be used.",
            "Check `credential` and its rights in Personio.";
        DirectoryNotRead = "directory_not_read",
            "The directory of the help desk was not looked at.",
            "Run it with the directory's target.";
        ChannelsNotRead = "channels_not_read",
            "The directory's channels were not looked at.",
            "Look at the message of the directory, and run again.";
        ChannelMissing = "channel_missing",
            "The help desk's channel is missing.",
            "Make the channel in the directory.";
        ContactsNotCompared = "contacts_not_compared",
            "The directory's contacts were not compared.",
            "Map `email`.";
        OutsidersInDirectory = "outsiders_in_directory",
            "The directory has people whom Personio does not know.",
            "Deactivate them in the directory if they have left.";
        ExpertsFile = "experts_file",
            "The file of experts cannot be read.",
            "Correct the file as the message says.";
        ExpertsUnknown = "experts_unknown",
            "The file of experts has lines with nobody whom Personio delivers.",
            "Correct the lines.";
        ExpertsBeyondRule = "experts_beyond_rule",
            "The file of experts has people whom the rule does not make experts.",
            "Correct the rule or the roles.";
        ExpertsWithoutRole = "experts_without_role",
            "The rule makes people experts who are not in the file of experts.",
            "Give them the role in Personio.";
        LanguageByHand = "language_by_hand",
            "The directory's language is set by hand.",
            "Set it in the directory.";
        LanguageNotMapped = "language_not_mapped",
            "The language of people is written nowhere.",
            "Map the directory's field as the message says.";
        RequesterAttributesMissing = "requester_attributes_missing",
            "Attributes are declared and not readable for Conversations.",
            "Tick them for the credential of Conversations.";
        RequesterAttributesBeyond = "requester_attributes_beyond",
            "Attributes are readable for Conversations and not declared.",
            "Untick them for the credential of Conversations.";
        RequesterAttributesSensitive = "requester_attributes_sensitive",
            "Attributes are sensitive, and every expert sees them.",
            "Untick them for the credential of Conversations.";
        NotInDirectory = "not_in_directory",
            "Employees have no account in use in the directory.",
            "Make the accounts in the directory, or widen its filters.";
        LeftInDirectory = "left_in_directory",
            "People who left have an account in use in the directory.",
            "Take the accounts out of use in the directory.";
        AddressMissing = "address_missing",
            "Employees have no e-mail address, so no contact is theirs.",
            "Enter the address in Personio.";
        AddressShared = "address_shared",
            "Employees share an e-mail address, so a contact may be either's.",
            "Give each of them an address of their own in Personio.";
        TeamMemberNoExpert = "team_member_no_expert",
            "Somebody is a member of a team and no expert.",
            "Make them an expert, or take them out of the team's rule.";
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
            "The last day lies before the hire date and is ignored.",
            "Remove the old last day in Personio.";
    }
    "Why a run ends with another status than 0" {
        Terminated = "terminated",
            "The run was stopped by a signal after winding down.",
            "Run again.";
        InternalError = "internal_error",
            "Something went wrong in this tool itself.",
            "Please report it, with what standard error says.";
        Usage = "usage",
            "The command line or the file has a mistake; nothing was contacted.",
            "Do what the message says.";
        SignInOrRightsRefused = "sign_in_or_rights_refused",
            "A sign-in was refused, or a right is missing.",
            "Check the credential that the message names, and its rights.";
        Locked = "locked",
            "Another run holds the lock.",
            "Wait until the other run has ended, or use `--wait`.";
        NotApproved = "not_approved",
            "The plan is refused, or the approval is missing.",
            "Answer yes, or run with `--yes`.";
        Held = "held",
            "A safety rail holds something; the rest is done.",
            "`personio-sync held` lists it.";
        SomeFailed = "some_failed",
            "Some people failed.",
            "`personio-sync jobs --failed` lists them.";
        ChangesPending = "changes_pending",
            "The plan has changes.",
            "`personio-sync sync` carries them out.";
        EverybodySkipped = "everybody_skipped",
            "Everybody was skipped, so nothing is in line.",
            "Look at the reasons of the skipped.";
        LeaverUnreadable = "leaver_unreadable",
            "The account of somebody who left could not be looked at.",
            "Look at the account in the target; run again.";
        StateUnwritable = "state_unwritable",
            "The state cannot be written.",
            "Check the room and the rights of the state's folder or database.";
        TooOld = "too_old",
            "The last success is older than was asked for.",
            "Look at `personio-sync runs` and at what runs it.";
        AttributeNotReadable = "attribute_not_readable",
            "Personio does not let the credential read an attribute.",
            "Tick it for the API credential in Personio.";
    }
    "Mistakes in the file" {
        Syntax = "syntax",
            "The file is not TOML.",
            "Correct the place that the message names.";
        FileNotFound = "file_not_found",
            "There is no such file.",
            "Give its path with --config, or write one with `personio-sync init`.";
        FileUnreadable = "file_unreadable",
            "The file cannot be read.",
            "Check the rights of the file.";
        Unsettled = "unsettled",
            "The file cannot be used although no mistake was found.",
            "Please report it.";
        UnknownKey = "unknown_key",
            "A key is not known.",
            "Use the name that the message offers.";
        UnknownValue = "unknown_value",
            "A value is none of those that are known.",
            "Use one of the values that the message names.";
        UnknownType = "unknown_type",
            "A target's `type` is not known.",
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
            "A value has another type than the key takes.",
            "Write the value as the message says.";
        WrongValue = "wrong_value",
            "A value is not one that the key takes.",
            "Write the value as the message says.";
        WrongAlias = "wrong_alias",
            "An alias cannot be used.",
            "Choose another name.";
        MissingKey = "missing_key",
            "A key is missing.",
            "Add the key.";
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
            "An expression is wrong.",
            "Correct it as the message says.";
        IfWithoutElse = "if_without_else",
            "An expression gives nothing where its condition does not hold.",
            "Add an `else`.";
        MatchNotMapped = "match_not_mapped",
            "A field of `match` is not mapped.",
            "Map it, or match by another field.";
        RequiredField = "required_field",
            "A field that the target requires is not mapped.",
            "Map the field.";
        ReadOnlyField = "read_only_field",
            "The target lets nobody write the field.",
            "Take it out of the mapping.";
        DetailNotChosen = "detail_not_chosen",
            "A field belongs to details that the file does not choose.",
            "Add the detail to `details`.";
        NoTarget = "no_target",
            "The file names no target.",
            "Add one, or let `personio-sync init` write it.";
        LonelyGroup = "lonely_group",
            "A target is alone in its group, which has no effect.",
            "Correct the name of the group.";
        SameAccounts = "same_accounts",
            "Two targets keep the same accounts.",
            "Make one target of them.";
        PlainSecret = "plain_secret",
            "A secret stands in the file itself.",
            "Keep it out of the file with `{ env = \"...\" }`, or let only its owner read the file.";
        UnreadableSecret = "unreadable_secret",
            "A secret cannot be read.",
            "Check the variable, file or command that holds it.";
    }
    "Documents" {
        OtherName = "other_name",
            "The file's name does not have the form of --name.",
            "Rename the file, or correct --name.";
        NotInIndex = "not_in_index",
            "The index does not name the file.",
            "Add a line to the index.";
        NotInFolder = "not_in_folder",
            "The index names a file that is not in the folder.",
            "Put the file there, or remove the line.";
        NoEmployee = "no_employee",
            "No employee in Personio is meant by the file.",
            "Correct the number or address in the file's name or in the index.";
        SeveralEmployees = "several_employees",
            "More than one employee could be meant by the file.",
            "Use something that only one of them has.";
        EmptyFile = "empty_file",
            "The file is empty.",
            "Replace the file.";
        TooLarge = "too_large",
            "The file is larger than Personio takes.",
            "Make the file smaller.";
        TypeNotAllowed = "type_not_allowed",
            "Personio does not take files of this type.",
            "Convert the file.";
        TitleInvalid = "title_invalid",
            "The title cannot be used.",
            "Correct --title.";
        Unreadable = "unreadable",
            "The file cannot be read.",
            "Check the rights of the file.";
        Changed = "changed",
            "The file changed since it was uploaded.",
            "Upload it under another name if both should be there.";
        Duplicate = "duplicate",
            "Another file of the folder has the same contents for the same employee.",
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
            }
        }
        assert_eq!("max_deactivat".parse::<Code>(), Err(UnknownCode));
    }
}
