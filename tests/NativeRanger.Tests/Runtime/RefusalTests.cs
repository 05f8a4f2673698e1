using NativeRanger.Interop;

namespace NativeRanger.Tests.Runtime;

/// <summary>What is refused in words, and by which exception.</summary>
public sealed class RefusalTests
{
    private static readonly float[] Values = [1, 2];

    public static TheoryData<int, Type> Statuses() =>
        new()
        {
            { (int)nr_status_code.NR_E_NULL, typeof(ArgumentNullException) },
            { (int)nr_status_code.NR_E_LENGTH, typeof(ArgumentException) },
            { (int)nr_status_code.NR_E_OPTION, typeof(ArgumentOutOfRangeException) },
            { (int)nr_status_code.NR_E_ABI, typeof(NativeLibraryException) },
            { (int)nr_status_code.NR_E_OVERLAP, typeof(ArgumentException) },
            { (int)nr_status_code.NR_E_OVERFLOW, typeof(OverflowException) },
            { (int)nr_status_code.NR_E_ISA, typeof(PlatformNotSupportedException) },
            { (int)nr_status_code.NR_E_TYPE, typeof(ArgumentException) },
        };

    [Theory]
    [MemberData(nameof(Statuses))]
    public unsafe void Every_status_of_the_native_library_is_an_exception_with_its_words(int status, Type exception)
    {
        var thrown = Assert.Throws(exception, () => NativeStatus.Check(status));
        Assert.Contains(new string(NativeMethods.nr_status_text(status)), thrown.Message, StringComparison.Ordinal);
        Assert.Contains($"{(nr_status_code)status}", thrown.Message, StringComparison.Ordinal);
    }

    public static TheoryData<Type> Exceptions() =>
        [
            .. new[] { typeof(Optimizer), typeof(Mpi.Communicator) }
                .SelectMany(type => type.Assembly.GetExportedTypes())
                .Where(type => type.IsSubclassOf(typeof(Exception)) && type.GetConstructor([]) is not null),
        ];

    [Theory]
    [MemberData(nameof(Exceptions))]
    public void Exceptions_can_be_made_as_any_other(Type type)
    {
        var inner = new IOException("why");
        Assert.NotEmpty(((Exception)Activator.CreateInstance(type)!).Message);
        Assert.Equal("what", ((Exception)Activator.CreateInstance(type, "what")!).Message);
        Assert.Same(inner, ((Exception)Activator.CreateInstance(type, "what", inner)!).InnerException);
    }

    [Fact]
    public void A_stepper_needs_a_group_and_a_group_parameters()
    {
        Assert.Throws<ArgumentException>(() => new Sgd().Bind<float>(Array.Empty<ParameterGroup<float>>()));
        Assert.Throws<ArgumentException>(() => new ParameterGroup<float>(Parameter.Of("p", Values), null!));
    }

    [Fact]
    public void A_parameter_that_there_is_not()
    {
        using var stepper = new Sgd().Bind(Values);
        var average = stepper.AddAverage(new ExponentialAverage());
        Assert.Throws<ArgumentOutOfRangeException>(() => stepper.ParameterSteps(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => stepper.ParameterSteps(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => average.Weights(1));
    }

    [Fact]
    public void The_listings_ranger_standardises_by_itself() =>
        Assert.Throws<ArgumentException>(() => new SeedRanger { Standardize = true }.Bind(Values));

    [Fact]
    public void More_averages_than_a_step_can_move()
    {
        using var stepper = new Sgd().Bind(Values);
        for (var i = 0; i < 64; i++)
        {
            stepper.AddAverage(new ExponentialAverage());
        }

        Assert.Throws<InvalidOperationException>(() => stepper.AddAverage(new ExponentialAverage()));
        Assert.True(stepper.Step([1, 1]));
    }

    [Fact]
    public void An_instruction_set_of_another_processor()
    {
        var other = Enum.GetValues<InstructionSet>()
            .First(isa => isa != InstructionSet.Auto && !NativeBackend.Available.Contains(isa));
        Assert.Throws<PlatformNotSupportedException>(() => NativeBackend.On(other));
    }

    [Fact]
    public void A_closure_and_its_gradients_are_one_step()
    {
        float[] p = [1, 2];
        float[] gradient = [0, 0];
        using var stepper = new Sgd { LearningRate = 1 }.Bind(p);
        var loss = stepper.Step(
            () =>
            {
                gradient[0] = 1;
                return "loss";
            },
            new float[]?[] { gradient }
        );
        Assert.Equal("loss", loss);
        Assert.Equal([0, 2], p);
    }
}
