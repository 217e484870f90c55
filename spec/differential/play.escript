#!/usr/bin/env escript
%% SPDX-License-Identifier: MIT
%%! +S 1:1 -noshell
%% Plays scenarios in Erlang: escript play.escript SCENARIOS OUTCOMES. The language, and the form of
%% the outcomes, are told in docs/differential.md; play.lua and worker.lua are the same in Lua, part
%% by part.
-mode(compile).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2, handle_info/2, handle_continue/2,
         terminate/2]).

main([Scenarios, Outcomes]) ->
    logger:set_primary_config(level, none),
    {ok, Text} = file:read_file(Scenarios),
    {ok, File} = file:open(Outcomes, [raw, write, {delayed_write, 1000000, 2000}]),
    put(file, File),
    Lines = binary:split(Text, <<"\n">>, [global, trim_all]),
    play_all([[binary_to_list(W) || W <- binary:split(L, <<" ">>, [global, trim_all])]
              || L <- Lines]),
    ok = file:close(File).

play_all([]) -> ok;
play_all([["scenario", Id] | Lines]) ->
    {Steps, Rest} = lists:splitwith(fun([Word | _]) -> Word =/= "scenario" end, Lines),
    emit(["scenario ", Id]),
    play(Steps),
    play_all(Rest).

%% ------------------------------------------------------------------------------------ the driver

%% In the process dictionary: {value, Name} and {name, Value} of what is known, `living` a list of
%% {Name, Kind, Pid, Monitor}, `step` the number of the step.

play(Steps) ->
    put(living, []),
    put(step, 0),
    lists:foreach(fun step/1, Steps),
    put(step, get(step) + 1),
    lists:foreach(fun look_at/1, get(living)),
    clean_up().

emit(Line) ->
    ok = file:write(get(file), [Line, $\n]).

step(["worker", Name, _Scheduler]) ->
    enter(Name, worker, spawn(fun() -> work(Name) end));
step([Actor | Words]) ->
    put(step, get(step) + 1),
    case lists:keyfind(Actor, 1, get(living)) of
        {_, worker, Pid, Monitor} -> command(Pid, Monitor, split(Words));
        _ -> emit(["r ", number(), " absent"])
    end,
    settle().

number() -> integer_to_list(get(step)).

split(Words) ->
    case lists:splitwith(fun(Word) -> Word =/= ";" end, Words) of
        {Command, []} -> [Command];
        {Command, [";" | Rest]} -> [Command | split(Rest)]
    end.

%% A word as a worker gets it: a value, where it names one.
value([C | Digits] = Word) ->
    case get({value, Word}) of
        undefined ->
            case lists:member(C, "wscmtq") andalso Digits =/= [] andalso
                 lists:all(fun(D) -> D >= $0 andalso D =< $9 end, Digits) of
                true -> {'$unknown', Word};
                false when C =:= $@ -> list_to_atom("n_" ++ Digits);
                false -> constant(Word)
            end;
        Value -> Value
    end.

constant(Word) ->
    case string:to_integer(Word) of
        {N, []} -> N;
        _ ->
            case string:split(Word, ":") of
                [Tag, Value] -> {list_to_atom(Tag), list_to_atom(Value)};
                _ -> list_to_atom(Word)
            end
    end.

know(Name, Value) ->
    put({value, Name}, Value),
    put({name, Value}, Name).

enter(Name, Kind, Pid) ->
    know(Name, Pid),
    put(living, get(living) ++ [{Name, Kind, Pid, monitor(process, Pid)}]).

command(Pid, Monitor, Commands) ->
    Pid ! {'$run', self(), [[list_to_atom(hd(C)) | [argument(W) || W <- tl(C)]] || C <- Commands]},
    receive
        {'$ran', Results} -> lists:foreach(fun result/1, Results);
        {'DOWN', Monitor, process, Pid, Reason} ->
            emit(["r ", number(), " ended"]),
            died(Pid, Reason)
    end.

%% A name stays beside its value: where something new gets that name it is the name that counts.
argument(Word) -> {Word, value(Word)}.

result({Value, Made}) ->
    lists:foreach(fun({Kind, Name, Pid}) when Kind =:= worker; Kind =:= server ->
                          enter(Name, Kind, Pid);
                     ({_, Name, Id}) -> know(Name, Id)
                  end, Made),
    case Value of
        {messages, List} ->
            emit(["r ", number(), " messages"]),
            lists:foreach(fun message/1, List);
        {names, List} ->
            emit(["r ", number(), " ", lists:join(" ", lists:sort([show(V) || V <- List]))]);
        _ -> emit(["r ", number(), " ", show(Value)])
    end.

message({mark, Step}) -> emit(["k ", integer_to_list(Step)]);
message(Message) -> emit(["m ", sender(Message), " ", show(Message)]).

sender({m, From, _}) -> atom_to_list(From);
sender({'EXIT', Pid, _}) -> show(Pid);
sender({_, _, process, Who, _}) -> show(Who);
sender({'$gen_call', {Pid, _}, _}) -> show(Pid);
sender(_) -> "-".

%% All that the step caused has come to rest, and each mailbox has a mark after it.
settle() ->
    [erlang:yield() || _ <- lists:seq(1, 3)],
    Living = get(living),
    lists:foreach(fun({_, worker, Pid, _}) -> Pid ! {'$sync', self(), get(step)};
                     (_) -> ok
                  end, Living),
    lists:foreach(fun({_, worker, Pid, Monitor}) ->
                          receive
                              {'$synced', Pid} -> ok;
                              {'DOWN', Monitor, process, Pid, Reason} -> died(Pid, Reason)
                          end;
                     ({_, server, Pid, Monitor}) ->
                          try gen_server:call(Pid, {mark, get(step)}, infinity)
                          catch exit:_ ->
                                  receive {'DOWN', Monitor, process, Pid, Reason} ->
                                          died(Pid, Reason) end
                          end
                  end, Living),
    collect_deaths(),
    case get(living) of
        Living -> ok;
        _ ->
            %% An end takes several turns of a process.
            [erlang:yield() || _ <- lists:seq(1, 10)],
            settle()
    end.

collect_deaths() ->
    receive
        {'DOWN', _, process, Pid, Reason} -> died(Pid, Reason), collect_deaths()
    after 0 -> ok
    end.

died(Pid, Reason) ->
    case lists:keytake(Pid, 3, get(living)) of
        {value, {Name, _, _, _}, Rest} ->
            put(living, Rest),
            emit(["d ", number(), " ", Name, " ", show(Reason)]);
        false -> ok
    end.

look_at({Name, worker, Pid, Monitor}) ->
    emit(["look ", Name]),
    command(Pid, Monitor, [["drain"], ["links"], ["monitors"], ["trapping"]]);
look_at({Name, server, Pid, _}) ->
    emit(["look ", Name]),
    result({{messages, gen_server:call(Pid, log, infinity)}, []}).

clean_up() ->
    lists:foreach(fun({_, _, Pid, Monitor}) ->
                          exit(Pid, kill),
                          receive {'DOWN', Monitor, process, Pid, _} -> ok end
                  end, get(living)),
    lists:foreach(fun({{value, "t" ++ _}, Ref}) -> erlang:cancel_timer(Ref), ok;
                     (_) -> ok
                  end, get()),
    lists:foreach(fun({{value, _} = K, _}) -> erase(K); ({{name, _} = K, _}) -> erase(K);
                     (_) -> ok
                  end, get()).

%% ------------------------------------------------------------------------------------ values

show(V) when is_pid(V) -> known(V, "pid?");
show(V) when is_reference(V) -> known(V, "ref?");
show(V) when is_atom(V) -> atom_to_list(V);
show(V) when is_integer(V) -> integer_to_list(V);
show({cancel_timer, Ref, Ms}) -> ["(cancel_timer ", show(Ref), " ", show(left(Ms)), ")"];
show({'$gen_call', {Pid, _}, Request}) -> ["(gen_call ", show(Pid), " ", show(Request), ")"];
show({V, [{_, _, _, _} | _]}) -> ["(error ", show(V), ")"];
show({Name, Node}) when Node =:= node() -> show(Name);
show(V) when is_tuple(V) -> ["(", lists:join(" ", [show(E) || E <- tuple_to_list(V)]), ")"];
show([alias | Ref]) -> show(Ref);
show(V) when is_list(V) -> ["(", lists:join(" ", [show(E) || E <- V]), ")"].

known(V, Otherwise) ->
    case get({name, V}) of
        undefined -> Otherwise;
        Name -> Name
    end.

%% ------------------------------------------------------------------------------------ the worker

work(Name) ->
    put(me, list_to_atom(Name)),
    loop().

loop() ->
    receive
        {'$run', Driver, Commands} ->
            Driver ! {'$ran', [run(Command) || Command <- Commands]},
            loop();
        {'$sync', Driver, Step} ->
            self() ! {mark, Step},
            Driver ! {'$synced', self()},
            loop();
        '$return' -> ok
    end.

%% Whatever is raised is a result, but where the process is to end.
run([exit, {_, Reason}]) -> exit(Reason);
run([crash]) -> error(bug);
run([return]) -> exit(normal);
run([Verb | Arguments]) ->
    case [1 || {{_, {'$unknown', Name}}, I} <- lists:zip(Arguments,
                                                         lists:seq(1, length(Arguments))),
               get({made, Name}) =:= undefined, not makes(Verb, I, Name)] of
        [] ->
            try do(Verb, [resolve(A) || A <- Arguments])
            catch
                exit:{Why, {gen_server, _, _}} -> {{raised, Why}, []};
                exit:Why -> {{raised, Why}, []};
                error:noproc when Verb =:= link -> {{raised, noproc}, []};
                error:_ -> {raised, []}
            end;
        _ -> {unknown, []}
    end.

makes(Verb, I, [Kind | _]) when I > 1 ->
    Kind =:= $m andalso lists:member(Verb, [spawn, spawn_dead, start]);
makes(Verb, _, _) ->
    lists:member(Verb, [bury, spawn, spawn_dead, monitor, monitor_tag, monitor_alias, alias, alias_reply,
                        timer, start_timer, start_timer0, start, request]).

resolve({Name, {'$unknown', Name}}) ->
    case get({made, Name}) of
        undefined -> {new, Name};
        Value -> Value
    end;
resolve({_, Value}) -> Value.

made(Kind, {new, Name}, Value) ->
    put({made, Name}, Value),
    {Kind, Name, Value}.

message_to(N) -> {m, get(me), N}.

do(spawn, [{new, Name} = New, How | Rest]) ->
    spawn_as(worker, New, How, Rest, fun() -> work(Name) end);
do(spawn_dead, [New, How, Reason | Rest]) ->
    spawn_as(corpse, New, How, Rest, fun() -> end_by(Reason) end);

do(link, [T]) -> {link(T), []};
do(unlink, [T]) -> {unlink(T), []};
do(monitor, [M, T]) -> {ok, [made(ref, M, monitor(process, T))]};
do(monitor_tag, [M, T, Tag]) -> {ok, [made(ref, M, monitor(process, T, [{tag, Tag}]))]};
do(monitor_alias, [M, T, How]) -> {ok, [made(ref, M, monitor(process, T, [{alias, How}]))]};
do(demonitor, [M]) -> {demonitor(M), []};
do(demonitor_flush, [M]) -> {demonitor(M, [flush]), []};
do(demonitor_info, [M]) -> {demonitor(M, [info]), []};
do(demonitor_flush_info, [M]) -> {demonitor(M, [flush, info]), []};
do(alias, [M]) -> {ok, [made(ref, M, alias())]};
do(alias_reply, [M]) -> {ok, [made(ref, M, alias([reply]))]};
do(unalias, [M]) -> {unalias(M), []};

do(trap, [Flag]) -> {process_flag(trap_exit, Flag), []};
do(catch_exit, [Reason]) -> exit(Reason);
do(signal, [T, Reason]) -> {exit(T, Reason), []};
do(send, [T, N]) -> T ! message_to(N), {ok, []};
do(drain, []) -> {{messages, drain()}, []};
do(take, [N]) -> receive {m, _, N} = Message -> {Message, []} after 0 -> {timeout, []} end;
do(take_down, [M]) ->
    receive {_, M, process, _, _} = Message -> {Message, []} after 0 -> {timeout, []} end;
do(take_exit, [T]) ->
    receive {'EXIT', T, _} = Message -> {Message, []} after 0 -> {timeout, []} end;
do(bury, [M, T]) ->
    Ref = monitor(process, T),
    exit(T, kill),
    receive {'DOWN', Ref, process, _, _} = Message -> {Message, [made(ref, M, Ref)]} end;

do(register, [Name, T]) -> {(catch register(Name, T)) =:= true, []};
do(unregister, [Name]) -> {(catch unregister(Name)) =:= true, []};
do(whereis, [Name]) ->
    {case whereis(Name) of undefined -> none; Pid -> Pid end, []};
do(registered, []) ->
    {{names, [N || N <- registered(), lists:prefix("n_", atom_to_list(N))]}, []};
do(alive, [T]) -> {is_process_alive(T), []};

do(timer, [TM, T, N]) -> {ok, [made(ref, TM, erlang:send_after(100000000, T, message_to(N)))]};
do(start_timer, [TM, T, N]) -> {ok, [made(ref, TM, erlang:start_timer(100000000, T, N))]};
do(timer0, [T, N]) ->
    erlang:send_after(0, T, message_to(N)),
    fence(),
    {ok, []};
do(start_timer0, [TM, T, N]) ->
    Made = made(ref, TM, erlang:start_timer(0, T, N)),
    fence(),
    {ok, [Made]};
do(cancel, [TM]) -> {left(erlang:cancel_timer(TM)), []};
do(cancel_async, [TM]) -> {erlang:cancel_timer(TM, [{async, true}]) =:= ok, []};
do(read, [TM]) -> {left(erlang:read_timer(TM)), []};

do(links, []) -> {{names, element(2, process_info(self(), links))}, []};
do(monitors, []) ->
    {monitors, Monitors} = process_info(self(), monitors),
    {{names, [T || {process, T} <- Monitors]}, []};
do(trapping, []) -> {element(2, process_info(self(), trap_exit)), []};

do(start, [S, How, Init | Rest]) -> start_server(S, How, Init, Rest);
do(call, [T, Request | Rest]) -> {gen_server:call(T, list_to_tuple([Request | Rest])), []};
do(call_timeout, [T, Request]) -> {gen_server:call(T, {Request}, 20), []};
do(cast, [T, Request | Rest]) -> {gen_server:cast(T, list_to_tuple([Request | Rest])), []};
do(request, [Q, T, Request | Rest]) ->
    %% gen_server:send_request, but that its monitor ends with the reply.
    Ref = monitor(process, T, [{alias, reply_demonitor}]),
    catch T ! {'$gen_call', {self(), [alias | Ref]}, list_to_tuple([Request | Rest])},
    {ok, [made(ref, Q, Ref)]};
do(response, [Q]) -> {response(gen_server:receive_response(Q, 0)), []};
do(wait_response, [Q]) -> {response(gen_server:wait_response(Q, 0)), []};
do(stop, [T, Reason]) -> {gen_server:stop(T, Reason, infinity) =:= ok, []}.

spawn_as(Kind, New, plain, [], Body) -> {ok, [made(Kind, New, spawn(Body))]};
spawn_as(Kind, New, link, [], Body) -> {ok, [made(Kind, New, spawn_link(Body))]};
spawn_as(Kind, New, How, [M], Body) ->
    Options = case How of monitor -> [monitor]; both -> [link, monitor] end,
    {Pid, Ref} = spawn_opt(Body, Options),
    {ok, [made(Kind, New, Pid), made(ref, M, Ref)]}.

end_by(return) -> ok;
end_by(crash) -> error(bug);
end_by(Reason) -> exit(Reason).

drain() ->
    receive Message -> [Message | drain()] after 0 -> [] end.

%% Timers that were due before have fired.
fence() ->
    Ref = erlang:start_timer(0, self(), fence),
    receive {timeout, Ref, fence} -> ok end.

left(false) -> false;
left(Ms) when is_integer(Ms) -> left.

response({reply, Reply}) -> {reply, Reply};
response({error, {Why, _}}) -> {failed, Why};
response(timeout) -> timeout.

%% ------------------------------------------------------------------------------------ the server

start_server(S, How, Init, Rest) ->
    {Monitors, Names} = case {How, Rest} of
                            {monitor, [M | More]} -> {[M], More};
                            _ -> {[], Rest}
                        end,
    Start = case How of start -> start; link -> start_link; monitor -> start_monitor end,
    Arguments = [{local, Name} || Name <- Names] ++ [?MODULE, Init, []],
    case apply(gen_server, Start, Arguments) of
        {ok, {Pid, Ref}} -> {ok, [made(server, S, Pid), made(ref, hd(Monitors), Ref)]};
        {ok, Pid} -> {ok, [made(server, S, Pid)]};
        ignore -> {ignore, []};
        {error, Reason} -> {{failed, Reason}, []}
    end.

-record(state, {count = 0, held = none, log = []}).

init(plain) -> {ok, #state{}};
init(trap) -> process_flag(trap_exit, true), {ok, #state{}};
init(ignore) -> ignore;
init(crash) -> error(bug);
init({stop, Reason}) -> {stop, Reason};
init({exit, Reason}) -> exit(Reason);
init(continue) -> {ok, #state{}, {continue, begun}}.

handle_call({mark, Step}, _, S) -> {reply, ok, log({mark, Step}, S)};
handle_call(log, _, S) -> {reply, lists:reverse(S#state.log), S#state{log = []}};
handle_call({echo, V}, _, S) -> {reply, V, S};
handle_call({count}, _, S) -> {reply, S#state.count, S};
handle_call({hold}, From, S) -> {noreply, S#state{held = From}};
handle_call({release, V}, _, S) ->
    S#state.held =:= none orelse gen_server:reply(S#state.held, V),
    {reply, S#state.held =/= none, S#state{held = none}};
handle_call({early, V}, From, S) ->
    gen_server:reply(From, V),
    {noreply, S};
handle_call({stop, Reason}, _, S) -> {stop, Reason, S};
handle_call({stop_reply, Reason}, _, S) -> {stop, Reason, done, S};
handle_call({crash}, _, _) -> error(bug);
handle_call({exit, Reason}, _, _) -> exit(Reason);
handle_call({bad}, _, _) -> nonsense;
handle_call({continue, V}, _, S) -> {reply, ok, S, {continue, V}};
handle_call({link, T}, _, S) ->
    {reply, try link(T) catch error:noproc -> exit(noproc) end, S};
handle_call({unlink, T}, _, S) -> {reply, unlink(T), S};
handle_call({monitor, T}, _, S) -> monitor(process, T), {reply, ok, S};
handle_call({signal, T, Reason}, _, S) -> {reply, exit(T, Reason), S}.

handle_cast({add, N}, S) -> {noreply, S#state{count = S#state.count + N}};
handle_cast({crash}, _) -> error(bug);
handle_cast({exit, Reason}, _) -> exit(Reason);
handle_cast({stop, Reason}, S) -> {stop, Reason, S}.

handle_continue(V, S) -> {noreply, log({continued, V}, S)}.

handle_info(Message, S) -> {noreply, log(Message, S)}.

terminate(Reason, #state{held = Held}) ->
    Held =:= none orelse gen_server:reply(Held, {last, Reason}).

log(Entry, S) -> S#state{log = [Entry | S#state.log]}.
