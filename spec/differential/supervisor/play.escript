#!/usr/bin/env escript
%% SPDX-License-Identifier: MIT
%%! +S 1:1 -noshell
%% Plays histories of a supervisor in Erlang: escript play.escript HISTORIES OUTCOMES. The language,
%% and the form of the outcomes, are told in docs/differential.md; play.lua is the same in Lua, part
%% by part.
-mode(compile).
-behaviour(supervisor).
-export([main/1, init/1, start/1]).

main([Histories, Outcomes]) ->
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    ets:new(history, [named_table, public]),
    {ok, Text} = file:read_file(Histories),
    {ok, File} = file:open(Outcomes, [raw, write, {delayed_write, 1000000, 2000}]),
    put(file, File),
    put(sup, none),
    Lines = binary:split(Text, <<"\n">>, [global, trim_all]),
    lists:foreach(fun(Line) -> line(Line, string:tokens(binary_to_list(Line), " ")) end, Lines),
    finish(),
    ok = file:close(File).

emit(Line) -> ok = file:write(get(file), [Line, "\n"]).

parts("-", _) -> [];
parts(Text, Separator) -> string:tokens(Text, Separator).

%% ------------------------------------------------------------------------------------- children

%% In the table: {events, List}, {{plan, Id}, List}, {{starts, Id}, N}, {given, Init}.
look(Key, Default) ->
    case ets:lookup(history, Key) of
        [{_, Value}] -> Value;
        [] -> Default
    end.

note(Event) -> ets:insert(history, {events, [Event | look(events, [])]}).

events() -> ["[", string:join(lists:reverse(look(events, [])), " "), "]"].

live(Id, Sup) ->
    receive
        {'end', Reason} -> exit(Reason);
        {'EXIT', Sup, _} -> note("-" ++ Id), exit(shutdown);
        _ -> live(Id, Sup)
    end.

start(Id) ->
    {Outcome, Rest} = case look({plan, Id}, []) of
        [] -> {"ok", []};
        [First | Others] -> {First, Others}
    end,
    ets:insert(history, {{plan, Id}, Rest}),
    note("+" ++ Id ++ ":" ++ Outcome),
    started(Outcome, Id).

started("error", _) -> {error, failed};
started("ignore", _) -> ignore;
started("exit", _) -> exit(failed);
started("ok", Id) ->
    ets:insert(history, {{starts, Id}, look({starts, Id}, 0) + 1}),
    Sup = self(),
    Pid = spawn_link(fun() ->
        process_flag(trap_exit, true),
        Sup ! {ready, self()},
        live(Id, Sup)
    end),
    receive {ready, Pid} -> {ok, Pid} end.

spec(Id, Restart, Significant) ->
    #{id => Id, restart => list_to_atom(Restart), significant => list_to_atom(Significant),
      shutdown => 1000, start => {?MODULE, start, [Id]}}.

flags(Strategy, Max, Auto) ->
    #{strategy => list_to_atom(Strategy), intensity => list_to_integer(Max), period => 3600,
      auto_shutdown => list_to_atom(Auto)}.

init(_) -> look(given, none).

%% -------------------------------------------------------------------------------------- results

result({ok, undefined}) -> "ok";
result({ok, _}) -> "started";
result(ok) -> "ok";
result({error, {already_started, _}}) -> "already_started";
result({error, {bad_combination, _}}) -> "refused";
result({error, Reason}) when is_atom(Reason) -> atom_to_list(Reason);
result({error, {'EXIT', Reason}}) -> atom_to_list(Reason);
result({error, {Reason, _Child}}) -> result({error, Reason});
result({'EXIT', _}) -> "exit".

find(Id, Sup) ->
    case lists:keyfind(Id, 1, supervisor:which_children(Sup)) of
        {_, Pid, _, _} -> Pid;
        false -> undefined
    end.

end_child(Pid, Reason) when is_pid(Pid) ->
    Ref = monitor(process, Pid),
    tell(Pid, Reason),
    receive {'DOWN', Ref, _, _, _} -> "ended" end;
end_child(_, _) -> "none".

tell(Pid, "kill") -> exit(Pid, kill);
tell(Pid, "shutdown_x") -> Pid ! {'end', {shutdown, x}};
tell(Pid, Reason) -> Pid ! {'end', list_to_atom(Reason)}.

children(Sup) ->
    case catch supervisor:which_children(Sup) of
        {'EXIT', _} -> none;
        List ->
            case lists:keymember(restarting, 2, List) of
                true -> children(Sup);
                false -> string:join([show(Id, Pid) || {Id, Pid, _, _} <- lists:reverse(List)], " ")
            end
    end.

show(Id, undefined) -> Id;
show(Id, _) -> Id ++ "#" ++ integer_to_list(look({starts, Id}, 0)).

%% ---------------------------------------------------------------------------------------- steps

step(["start", Id, Restart, Significant, Plan], Sup) ->
    Old = ets:lookup(history, {plan, Id}),
    ets:insert(history, {{plan, Id}, parts(Plan, ",")}),
    Result = result(catch supervisor:start_child(Sup, spec(Id, Restart, Significant))),
    case lists:member(Result, ["already_started", "already_present", "refused"]) of
        true -> ets:delete(history, {plan, Id}), ets:insert(history, Old);
        false -> ok
    end,
    Result;
step(["terminate", Id], Sup) -> result(catch supervisor:terminate_child(Sup, Id));
step(["restart", Id], Sup) -> result(catch supervisor:restart_child(Sup, Id));
step(["delete", Id], Sup) -> result(catch supervisor:delete_child(Sup, Id));
step(["end", Id, Reason], Sup) -> end_child(find(Id, Sup), Reason);
step(["burst", Ends, Asked, Id], Sup) ->
    Told = [list_to_tuple(string:tokens(Part, ":")) || Part <- parts(Ends, ";")],
    Found = [{find(Ended, Sup), Reason} || {Ended, Reason} <- Told],
    sys:suspend(Sup),
    Results = [end_child(Pid, Reason) || {Pid, Reason} <- Found],
    string:join(Results ++ ask_early(Asked, Id, Sup), ",");
step(["change", Strategy, Max, Auto, Specs], Sup) ->
    List = [list_to_tuple(string:tokens(Part, ":")) || Part <- parts(Specs, ";")],
    Children = [spec(Id, Restart, Significant) || {Id, Restart, Significant, _} <- List],
    ets:insert(history, {given, {ok, {flags(Strategy, Max, Auto), Children}}}),
    sys:suspend(Sup),
    Changed = sys:change_code(Sup, ?MODULE, 1, []),
    sys:resume(Sup),
    changed(Changed, List).

%% What is asked of a supervisor that is suspended; it goes on then.
ask_early("nothing", _, Sup) -> sys:resume(Sup), [];
ask_early("stop", _, Sup) -> exit(Sup, shutdown), put(stopped, true), [];
ask_early(Asked, Id, Sup) ->
    Driver = self(),
    Asking = spawn_link(fun() -> Driver ! {asked, step([Asked, Id], Sup)} end),
    await_request(Asking),
    sys:resume(Sup),
    receive {asked, Result} -> [Result] end.

%% Until it waits for its answer.
await_request(Asking) ->
    case process_info(Asking, status) of
        {status, waiting} -> ok;
        _ -> erlang:yield(), await_request(Asking)
    end.

changed(ok, List) ->
    [ets:insert_new(history, {{plan, Id}, parts(Plan, ",")}) || {Id, _, _, Plan} <- List],
    "ok";
changed(_, _) -> "refused".

%% ------------------------------------------------------------------------------------ histories

line(Line, ["history" | _]) -> finish(), emit(Line);
line(_, ["supervisor", Strategy, Max, Auto]) ->
    ets:delete_all_objects(history),
    ets:insert(history, {given, {ok, {flags(Strategy, Max, Auto), []}}}),
    {ok, Sup} = supervisor:start_link(?MODULE, []),
    put(sup, {Sup, monitor(process, Sup)}),
    put(stopped, false);
line(_, Words) ->
    case get(sup) of
        none -> ok;
        {Sup, Ref} -> play(Words, Sup, Ref)
    end.

play(Words, Sup, Ref) ->
    ets:insert(history, {events, []}),
    Result = step(Words, Sup),
    Shown = case get(stopped) of
        true -> await(Ref), put(sup, none), "stopped";
        false -> children(Sup)
    end,
    Ended = case Shown of
        none -> put(sup, none), "ended: " ++ atom_to_list(await(Ref));
        _ -> Shown
    end,
    emit([Result, " ", events(), " ", Ended]).

await(Ref) -> receive {'DOWN', Ref, _, _, Reason} -> Reason end.

finish() ->
    case get(sup) of
        none -> ok;
        {Sup, Ref} ->
            ets:insert(history, {events, []}),
            exit(Sup, shutdown),
            await(Ref),
            put(sup, none),
            emit(events())
    end.
