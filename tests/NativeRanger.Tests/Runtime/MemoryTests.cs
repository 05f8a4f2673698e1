using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Runtime;

/// <summary>Tests that look at the whole process run alone.</summary>
[CollectionDefinition(nameof(WholeProcess), DisableParallelization = true)]
public sealed class WholeProcess;

/// <summary>Steps allocate nothing, leave nothing pinned, and survive arrays that move.</summary>
[Collection(nameof(WholeProcess))]
public sealed class MemoryTests
{
    [Theory]
    [InlineData("ranger", "none", "bare")]
    [InlineData("adamw", "everything", "lookahead")]
    [InlineData("momentum", "clip-norm", "lookahead-pullback")]
    [InlineData("seed-ranger", "none", "bare")]
    public void A_step_allocates_nothing(string optimizer, string transform, string wrapper)
    {
        var recipe = Registry.Recipe(optimizer, transform, wrapper) with { NonFinite = NonFinitePolicy.SkipStep };
        var one = new float[100];
        using var single = recipe.Bind(one);
        using var several = recipe.Bind([Parameter.Of("a", new float[64], 8, 8), Parameter.Of("b", new float[9])]);
        single.Schedule = several.Schedule = Schedules.FlatAnneal(1000);
        several.AddAverage(new ExponentialAverage());
        float[] g = [.. Enumerable.Range(0, 100).Select(i => (float)i)];
        var (ga, gb) = (new float[64], new float[9]);
        void Steps()
        {
            for (var i = 0; i < 20; i++)
            {
                single.Step(g);
                single.Step(g.AsSpan(), learningRate: 0.1);
                several.Step([ga, gb]);
                several.Step([ga, null]);
            }
        }

        Steps();
        Assert.Equal(0, Allocations.Of(Steps));
    }

    [Fact]
    public void No_combination_allocates()
    {
        var allocating = new List<string>();
        foreach (var row in Registry.Combinations())
        {
            var names = row.Cast<string>().ToArray();
            using var stepper = Registry.Recipe(names[0], names[1], names[2]).Bind(new float[12], 3, 4);
            var g = Enumerable.Range(0, 12).Select(i => (float)i).ToArray();
            void Steps()
            {
                for (var i = 0; i < 8; i++)
                {
                    stepper.Step(g);
                }
            }

            Steps();
            if (Allocations.Of(Steps) != 0)
            {
                allocating.Add(string.Join(' ', names));
            }
        }

        Assert.Empty(allocating);
    }

    [Fact]
    public void Fault_32_steps_leave_nothing_pinned()
    {
        using var stepper = new Ranger().Bind([
            .. Enumerable.Range(0, 3).Select(i => Parameter.Of($"p{i}", new float[10])),
        ]);
        var gradients = Enumerable.Range(0, 3).Select(_ => new float[10]).ToArray();
        stepper.Step(gradients);
        GC.Collect();
        var before = GC.GetGCMemoryInfo(GCKind.FullBlocking).PinnedObjectsCount;
        for (var i = 0; i < 1_000_000; i++)
        {
            stepper.Step(gradients);
        }

        GC.Collect();
        Assert.InRange(GC.GetGCMemoryInfo(GCKind.FullBlocking).PinnedObjectsCount, 0, before);
    }

    /// <summary>Steps on one thread, and such that threads pin parts of one array and many arrays by turns.</summary>
    [Theory]
    [InlineData(1, 200, 0)]
    [InlineData(4, 10, 600)]
    public async Task Fault_31_a_compacting_collector_running_throughout_changes_nothing(
        int threads,
        int steps,
        int more
    )
    {
        long[][] shapes =
        [
            [100],
            [30, 40],
            [3, 1],
            [2000],
            .. Enumerable.Range(0, more).Select(i => new long[] { i % 70 }),
            [150 * more],
        ];
        var scenario = new Scenario<float>(1, steps, GradientKind.Ordinary, skips: true, shapes);
        var backend = NativeBackend.On(InstructionSet.Auto, threads);
        var expected = scenario.Run(new Ranger { ClipNorm = 1 }, backend);
        using var stop = new CancellationTokenSource();
        var collections = 0;
        var collector = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                _ = Enumerable.Range(0, 100).Select(i => new byte[i * 100]).ToArray();
                GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
                Interlocked.Increment(ref collections);
            }
        });
        try
        {
            while (Volatile.Read(ref collections) < 50)
            {
                Assert.Null(expected.Difference(scenario.Run(new Ranger { ClipNorm = 1 }, backend)));
            }
        }
        finally
        {
            await stop.CancelAsync();
            await collector;
        }
    }

    /// <summary>Many more than are pinned for one call.</summary>
    [Fact]
    public void Thousands_of_arrays_that_move_between_steps_are_stepped_as_if_each_were_alone()
    {
        const int Count = 2_500;
        var shared = new float[3 * Count];
        var together = Enumerable.Range(0, Count).Select(New).ToArray();
        using var many = new Ranger().Bind(together);
        var alone = Enumerable.Range(0, Count).Select(i => new float[Length(i)]).ToArray();
        Assert.All(alone, (values, i) => together[i].Slice(0, values.Length).CopyTo(values));
        var steppers = alone.Select(values => new Ranger().Bind(values)).ToArray();
        for (var t = 1; t <= 7; t++)
        {
            var gradients = Enumerable
                .Range(0, Count)
                .Select(i => (i + t) % 11 == 0 ? null : Enumerable.Repeat((i % 19) - (t * 2.5f), Length(i)).ToArray())
                .ToArray();
            GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
            many.Step(gradients);
            Assert.All(steppers, (stepper, i) => stepper.Step([gradients[i]]));
        }

        Assert.All(alone, (values, i) => Assert.Equal(values, together[i].Slice(0, values.Length).ToArray()));
        Assert.All(steppers, stepper => stepper.Dispose());

        static int Length(int i) => i % 4;

        Parameter<float> New(int i)
        {
            var values = i % 5 == 0 ? shared.AsMemory(3 * i, Length(i)) : new float[Length(i)];
            values.Span.Fill(i / 16f);
            return Parameter.Of($"p{i}", values);
        }
    }

    [Fact]
    public void A_step_of_thousands_of_arrays_allocates_nothing()
    {
        using var many = new RAdam().Bind(
            Enumerable.Range(0, 2_500).Select(i => Parameter.Of($"p{i}", new float[1 + (i % 4)]))
        );
        var gradients = many.Parameters.Select(p => new float[p.Length]).ToArray();
        many.Step(gradients);
        many.Step(gradients);
        var before = GC.GetAllocatedBytesForCurrentThread();
        many.Step(gradients);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(67)]
    [InlineData(4099)]
    public unsafe void Fault_41_unmanaged_memory_between_guard_pages_is_stepped_to_its_last_element(int length)
    {
        foreach (var backend in Registry.NativeBackends())
        {
            using var p = new GuardedMemory(length * sizeof(float));
            using var g = new GuardedMemory(length * sizeof(float));
            var values = Enumerable.Range(0, length).Select(i => i / 16f).ToArray();
            values.CopyTo(new Span<float>(p.Address, length));
            values.CopyTo(new Span<float>(g.Address, length));
            using var guarded = new Ranger().Bind([new Parameter<float>("p", (float*)p.Address, length)], backend);
            using var plain = new Ranger().Bind((float[])values.Clone(), backend);
            for (var t = 0; t < 7; t++)
            {
                guarded.Step([new Gradient<float>((float*)g.Address, length)]);
                plain.Step(values);
            }

            Assert.Null(
                Bits.Difference<float>(
                    "p",
                    plain.Parameters[0].Slice(0, length),
                    new ReadOnlySpan<float>(p.Address, length)
                )
            );
        }
    }

    /// <summary>Large enough for several threads and for the non-finite check and the norm to be taken by them too.</summary>
    [Fact]
    public unsafe void Fault_33_memory_that_was_stepped_is_not_touched_after_the_step()
    {
        const int Length = 200_000;
        foreach (var backend in Registry.NativeBackends())
        {
            var recipe = new Ranger { ClipNorm = 1, NonFinite = NonFinitePolicy.Throw };
            using var p = new GuardedMemory(Length * sizeof(float));
            using var stepper = recipe.Bind(
                [new Parameter<float>("p", (float*)p.Address, Length), Parameter.Of("q", new float[10])],
                backend
            );
            for (var t = 0; t < 8; t++)
            {
                using var g = new GuardedMemory(Length * sizeof(float));
                stepper.Step([new Gradient<float>((float*)g.Address, Length), new float[10]]);
                g.TakeAway();
                stepper.Step([Gradient<float>.None, new float[10]]);
            }

            Assert.Equal(8, stepper.ParameterSteps(0));
            p.TakeAway();
            stepper.Dispose();
        }
    }

    /// <summary>The step itself is all that still refers to the stepper; its state must outlive it.</summary>
    [Fact]
    public async Task Fault_34_the_last_reference_is_dropped_while_a_step_is_in_flight()
    {
        const int Length = 300_000;
        var gradient = Enumerable.Repeat(1f, Length).ToArray();
        var expected = new float[Length];
        using (var stepper = new Adam().Bind(expected))
        {
            stepper.Step(gradient);
        }

        using var stop = new CancellationTokenSource();
        var collector = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });
        for (var i = 0; i < 50; i++)
        {
            var values = new float[Length];
            new Adam().Bind(values).Step(gradient);
            Assert.Equal(expected, values);
        }

        await stop.CancelAsync();
        await collector;
    }

    [Fact]
    public void Fault_34_a_stepper_that_is_dropped_in_mid_use_is_finalised_without_harm()
    {
        static void Drop()
        {
            var stepper = new Ranger().Bind(new float[1000]);
            stepper.Step(new float[1000]);
        }

        for (var i = 0; i < 100; i++)
        {
            Drop();
            if (i % 10 == 0)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }
    }
}
