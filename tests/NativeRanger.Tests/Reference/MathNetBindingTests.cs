using MathNet.Numerics.LinearAlgebra;
using NativeRanger.Numerics;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Reference;

/// <summary>Recipes on MathNet vectors and matrices.</summary>
public sealed class MathNetBindingTests
{
    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void A_vector_is_stepped_in_place_like_its_array(string backend)
    {
        var array = new[] { 1.0, -2, 3 };
        var vector = Vector<double>.Build.DenseOfArray(array);
        using var plain = new Ranger().Bind(array, Backends.Named(backend));
        using var bound = new Ranger().Bind(vector, Backends.Named(backend));
        for (var t = 0; t < 7; t++)
        {
            plain.Step([.. array]);
            bound.Step(vector.Clone());
        }

        Assert.Null(Bits.Difference<double>("vector", array, vector.AsArray()));
        Assert.NotEqual(1, vector[0]);
    }

    [Theory]
    [MemberData(nameof(Backends.All), MemberType = typeof(Backends))]
    public void A_matrix_is_stepped_in_place_like_the_row_major_array_of_the_same_shape(string backend)
    {
        foreach (var outputDimension in new[] { 0, 1 })
        {
            AssertSame<float>(3, 5, outputDimension);
            AssertSame<double>(3, 5, outputDimension);
            // More than a tile of the strided reduction in both directions.
            AssertSame<float>(131, 300, outputDimension);
            AssertSame<double>(300, 131, outputDimension);
        }

        void AssertSame<T>(int rows, int columns, int outputDimension)
            where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
        {
            var random = new Random(1);
            Matrix<T> Random() =>
                Matrix<T>.Build.Dense(rows, columns, (_, _) => T.CreateTruncating(random.NextDouble() - 0.5));
            var matrix = Random();
            var array = matrix.ToRowMajorArray();
            var parameter = new Parameter<T>("w", array, rows, columns) { OutputDimension = outputDimension };
            using var plain = new Ranger().Bind([parameter], Backends.Named(backend));
            using var bound = new Ranger().Bind(matrix, outputDimension, Backends.Named(backend));
            for (var t = 0; t < 7; t++)
            {
                var gradient = Random();
                plain.Step(gradient.ToRowMajorArray());
                bound.Step(gradient);
            }

            Assert.Null(
                Bits.Difference<T>($"{rows} x {columns}, output {outputDimension}", array, matrix.ToRowMajorArray())
            );
        }
    }

    [Fact]
    public void A_part_that_MathNet_copies_is_a_parameter_of_its_own()
    {
        var whole = Matrix<double>.Build.Dense(2, 2, 1);
        var part = whole.SubMatrix(0, 1, 0, 2);
        using var stepper = new Sgd { LearningRate = 1 }.Bind(part);
        stepper.Step(Matrix<double>.Build.Dense(1, 2, 1));
        Assert.Equal(Matrix<double>.Build.Dense(1, 2, 0), part);
        Assert.Equal(Matrix<double>.Build.Dense(2, 2, 1), whole);
    }

    [Fact]
    public void Several_are_named_and_stepped_by_one_call()
    {
        var weights = Matrix<double>.Build.Dense(2, 3, 1);
        var bias = Vector<double>.Build.Dense(2, 1);
        using var model = new Sgd { LearningRate = 0.5 }.Bind([
            Parameter.Of("weights", weights),
            Parameter.Of("bias", bias),
        ]);
        model.Step([Matrix<double>.Build.Dense(2, 3, 1), Vector<double>.Build.Dense(2, 2)]);
        Assert.Equal(Matrix<double>.Build.Dense(2, 3, 0.5), weights);
        Assert.Equal(Vector<double>.Build.Dense(2, 0), bias);

        Vector<double>? none = null;
        model.Step([Matrix<double>.Build.Dense(2, 3, 1), none], learningRate: 0.25);
        Assert.Equal(Matrix<double>.Build.Dense(2, 3, 0.25), weights);
        Assert.Equal(Vector<double>.Build.Dense(2, 0), bias);
    }

    [Fact]
    public void Fault_45_other_storage_is_refused_by_name()
    {
        Refused("SparseVectorStorage", () => new Sgd().Bind(Vector<double>.Build.Sparse(3)));
        Refused("SparseCompressedRowMatrixStorage", () => new Sgd().Bind(Matrix<double>.Build.Sparse(3, 3)));
        Refused("DiagonalMatrixStorage", () => new Sgd().Bind(Matrix<float>.Build.DiagonalIdentity(2)));
        Refused("SparseVectorStorage", () => Parameter.Of("p", Vector<float>.Build.Sparse(3)));
        Refused("DiagonalMatrixStorage", () => Parameter.Of("p", Matrix<float>.Build.Diagonal(2, 2, 1)));

        using var vector = new Sgd().Bind(Vector<double>.Build.Dense(3));
        Refused("SparseVectorStorage", () => vector.Step(Vector<double>.Build.Sparse(3)));
        using var matrix = new Sgd().Bind(Matrix<double>.Build.Dense(3, 3));
        Refused("SparseCompressedRowMatrixStorage", () => matrix.Step([Matrix<double>.Build.Sparse(3, 3)]));

        static void Refused(string storage, Action bind)
        {
            var exception = Assert.Throws<ArgumentException>(bind);
            Assert.Contains(storage, exception.Message, StringComparison.Ordinal);
            Assert.Contains("Make a dense copy with", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_gradient_of_another_shape_is_refused_and_changes_nothing()
    {
        var values = Matrix<double>.Build.Dense(2, 3, 1);
        using var matrix = new Sgd().Bind(values);
        Refused("a matrix of 3 x 2", "[2, 3]", () => matrix.Step(Matrix<double>.Build.Dense(3, 2)));
        Refused("a vector of 6", "[2, 3]", () => matrix.Step(Vector<double>.Build.Dense(6)));
        Assert.Equal(Matrix<double>.Build.Dense(2, 3, 1), values);

        using var vector = new Sgd().Bind(Vector<double>.Build.Dense(3));
        Refused("a vector of 2", "[3]", () => vector.Step(Vector<double>.Build.Dense(2)));
        Refused("a matrix of 3 x 1", "[3]", () => vector.Step(Matrix<double>.Build.Dense(3, 1)));

        // The elements of a row-major parameter lie in another order than those of any MathNet matrix.
        using var rowMajor = new Sgd().Bind(new double[6], 2, 3);
        Refused("a matrix of 2 x 3", "RowMajor", () => rowMajor.Step(Matrix<double>.Build.Dense(2, 3)));

        static void Refused(string given, string wanted, Action step)
        {
            var exception = Assert.Throws<ArgumentException>(step);
            Assert.Contains(given, exception.Message, StringComparison.Ordinal);
            Assert.Contains(wanted, exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Null_and_wrong_counts_are_refused()
    {
        using var one = new Sgd().Bind(Vector<double>.Build.Dense(3));
        using var two = new Sgd().Bind([
            Parameter.Of("a", Vector<double>.Build.Dense(1)),
            Parameter.Of("b", Vector<double>.Build.Dense(1)),
        ]);

        Assert.Throws<ArgumentNullException>(() => new Sgd().Bind((Vector<double>)null!));
        Assert.Throws<ArgumentNullException>(() => new Sgd().Bind((Matrix<double>)null!));
        Assert.Throws<ArgumentNullException>(() => one.Step((Vector<double>)null!));
        Assert.Throws<ArgumentNullException>(() => one.Step((Matrix<double>)null!));
        Assert.Throws<ArgumentException>(() => two.Step([Vector<double>.Build.Dense(1)]));
        Assert.Throws<InvalidOperationException>(() => two.Step(Vector<double>.Build.Dense(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sgd().Bind(Matrix<double>.Build.Dense(2, 2), 2));
    }

    [Fact]
    public void Steps_on_the_native_backend_allocate_nothing()
    {
        var weights = Matrix<float>.Build.Dense(2, 3, 1);
        var bias = Vector<float>.Build.Dense(2, 1);
        var dWeights = weights.Clone();
        var dBias = bias.Clone();
        using var model = new Ranger().Bind([Parameter.Of("weights", weights), Parameter.Of("bias", bias)]);
        Run(100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(1000);

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Run(int steps)
        {
            for (var t = 0; t < steps; t++)
            {
                model.Step([dWeights, dBias]);
            }
        }
    }
}
